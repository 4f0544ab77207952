// The stand-in's view over all DAGs: what ended when, and what waited or ran in a time, from the same runs as everything else.

const kEnded = ['success', 'failed', 'upstream_failed', 'skipped'];
const iso = (milliseconds) => (milliseconds === null || milliseconds === undefined ? null : new Date(milliseconds).toISOString());

function add(counts, state) {
  counts[state] = (counts[state] ?? 0) + 1;
}

export function activity(world) {
  const all = function* () {
    for (const dag of world.dags.values()) for (const run of dag.list) yield [dag, run];
  };
  // A mapped task's instances count one by one.
  const cellsOf = (run) => [...run.cells].flatMap(([task, cell]) => (cell.parts ?? [cell]).map((one, i) => [task, cell.parts ? i : -1, one]));
  const window = (query) => [Date.parse(query.get('from')), Date.parse(query.get('to'))];
  return [
    ['GET', '/millrace/v1/activity', ({query}) => {
      const [from, to] = window(query);
      const count = Number(query.get('parts'));
      const parts = Array.from({length: count}, (_, i) => ({from: iso(from + ((to - from) / count) * i), runs: {}, task_instances: {}}));
      const now = {runs: {}, task_instances: {}};
      const place = (end) => parts[Math.floor(((end - from) / (to - from)) * count)];
      for (const [, run] of all()) {
        const going = run.state === 'running' || run.state === 'queued';
        if (going) add(now.runs, run.state);
        else if (run.end >= from && run.end < to) add(place(run.end).runs, run.state);
        for (const [, , cell] of cellsOf(run)) {
          const end = cell.end ?? run.end;
          if (kEnded.includes(cell.state)) {
            if (end >= from && end < to) add(place(end).task_instances, cell.state);
          } else if (going) add(now.task_instances, cell.state ?? 'none');
        }
      }
      return {from: iso(from), to: iso(to), parts, now, all_counted: true};
    }],
    ['GET', '/millrace/v1/timeline', ({query}) => {
      const [from, to] = window(query);
      const limit = Number(query.get('limit'));
      const rows = [];
      for (const [dag, run] of all()) {
        for (const [task, map, cell] of cellsOf(run)) {
          const begin = cell.start ?? (cell.state === 'queued' ? cell.queued : null);
          if (begin === null || begin === undefined || begin >= to || (cell.end ?? to) < from) continue;
          const started = cell.state !== 'queued';
          rows.push({dag_id: dag.id, dag_run_id: run.id, task_id: task, map_index: map, state: cell.state, try_number: cell.attempt,
            pool: dag.tags.includes('etl') ? 'warehouse' : 'default_pool', pool_slots: 1, worker: started ? `worker-${1 + (rows.length % 2)}` : null,
            queued_date: iso(cell.queued ?? (started ? cell.start - 400 : begin)), start_date: started ? iso(cell.start) : null, end_date: kEnded.includes(cell.state) ? iso(cell.end) : null});
        }
      }
      return {from: iso(from), to: iso(to), task_instances: rows.sort((a, b) => (a.dag_run_id < b.dag_run_id ? 1 : -1)).slice(0, limit), all_listed: rows.length <= limit};
    }],
  ];
}
