// The stand-in's routes for what people do to runs and task instances, and for what they look up about a DAG: its graph, mapped
// instances, XComs; clear and mark with their dry runs.

export class HttpError extends Error {
  constructor(status, detail) {
    super(String(detail));
    Object.assign(this, {status, detail});
  }
}

export function fail(status, detail) {
  throw new HttpError(status, detail);
}

export function finders(world) {
  return {
    dagOf: (id) => world.dags.get(id) ?? fail(404, `The DAG with ID: \`${id}\` was not found`),
    runOf: (dag, id) => dag.list.find((run) => run.id === id) ?? fail(404, `The DagRun with dag_id: \`${dag.id}\` and run_id: \`${id}\` was not found`),
    cellOf: (run, id) => run.cells.get(id) ?? fail(404, `The Task Instance with task_id: \`${id}\` was not found`),
  };
}

export function countsOf(parts) {
  const counts = {};
  for (const part of parts) counts[part.state ?? 'none'] = (counts[part.state ?? 'none'] ?? 0) + 1;
  return counts;
}

function reach(dag, from, next) {
  const found = new Set(from);
  for (const id of found) next(dag, id).forEach((other) => found.add(other));
  return found;
}

const downstream = (dag, id) => dag.tasks.find((task) => task.id === id).next;
const upstream = (dag, id) => dag.tasks.filter((task) => task.next.includes(id)).map((task) => task.id);
const failed = (cell) => ['failed', 'upstream_failed'].includes(cell.state);

// [run, task id, map index], as scheduler/engine would select them.
function select(dag, run, body, from, map) {
  let wanted = new Set(from);
  if (body.include_downstream) wanted = reach(dag, from, (d, id) => (body.only_failed && !failed(run.cells.get(id)) ? [] : downstream(d, id)));
  if (body.include_upstream) for (const id of reach(dag, from, upstream)) wanted.add(id);
  const at = dag.list.indexOf(run);
  const runs = dag.list.filter((other, i) => other === run || (body.include_past && i < at) || (body.include_future && i > at));
  return runs.flatMap((one) => dag.tasks.filter((task) => wanted.has(task.id)).flatMap((task) => {
    const {parts} = one.cells.get(task.id);
    if (!parts) return [[one, task.id, -1]];
    return parts.map((_, i) => [one, task.id, i]).filter(([, id, i]) => map < 0 || id !== from[0] || i === map);
  }));
}

const told = (run, task, map) => (map < 0 ? run.cells.get(task) : run.cells.get(task).parts[map]);

function clear(world, dag, body) {
  const run = finders(world).runOf(dag, body.dag_run_id);
  const [first] = body.task_ids ?? [];
  const map = Array.isArray(first) ? first[1] : -1;
  const from = body.task_ids?.flatMap((id) => (Array.isArray(id) ? [id[0]] : meant(dag, id))) ?? dag.tasks.map((task) => task.id);
  const hit = select(dag, run, body, from, map).filter(([one, task, i]) => {
    const cell = told(one, task, i);
    return cell.state !== null && (!body.only_failed || failed(cell)) && (!body.only_skipped || cell.state === 'skipped');
  });
  const listed = hit.map(([one, task, i]) => world.instance(dag, one, task, undefined, i));
  if (body.dry_run !== false) return listed;
  for (const [one, task, i] of hit) {
    Object.assign(told(one, task, i), {state: null, start: null, end: null});
    Object.assign(one.cells.get(task), {state: null, start: null, end: null});
    world.tell(dag, one, task, i);
  }
  for (const one of new Set(hit.map(([found]) => found))) {
    Object.assign(one, {state: 'running', end: null});
    world.tell(dag, one, null);
    world.proceed(dag, one);
  }
  return listed;
}

// A group's id means its tasks.
function meant(dag, id) {
  if (dag.tasks.some((task) => task.id === id)) return [id];
  const tasks = dag.tasks.map((task) => task.id).filter((task) => task.startsWith(`${id}.`));
  return tasks.length > 0 ? tasks : fail(404, `DAG ${dag.id} has no task: ${id}`);
}

function mark(world, dag, run, id, map, body, dryRun) {
  const tasks = meant(dag, id);
  if (!dryRun && body.note !== undefined) for (const task of tasks) told(run, task, map).note = body.note;
  if (body.new_state === undefined) return tasks.map((task) => world.instance(dag, run, task, undefined, map));
  const hit = select(dag, run, body, tasks, map).filter(([one, id, i]) => told(one, id, i).state !== body.new_state);
  const listed = hit.map(([one, id, i]) => world.instance(dag, one, id, undefined, i));
  if (dryRun) return listed;
  for (const [one, id, i] of hit) {
    Object.assign(told(one, id, i), {state: body.new_state, end: Date.now()});
    const {parts} = one.cells.get(id);
    if (parts?.every((part) => part.state === body.new_state)) one.cells.get(id).state = body.new_state;
    world.tell(dag, one, id, i);
  }
  return listed;
}

export function operations(world) {
  const {dagOf, runOf, cellOf} = finders(world);
  const list = (rows) => ({task_instances: rows, total_entries: rows.length});
  const found = ([id, run, task, map]) => {
    const dag = dagOf(id);
    const here = runOf(dag, run);
    const cell = cellOf(here, task);
    const index = map === undefined ? -1 : Number(map);
    if (cell.parts && index < 0) fail(404, 'Task instance is mapped, add the map_index value to the URL');
    if (index >= 0 && !cell.parts?.[index]) fail(404, `Task ${task} has no instance with map index ${index}`);
    return [dag, here, task, index];
  };
  const tries = ({args}) => {
    const [dag, run, task, map] = found(args);
    return list(Array.from({length: told(run, task, map).attempt}, (_, i) => world.instance(dag, run, task, i + 1, map)));
  };
  const one = ({args}) => {
    const [dag, run, task, map] = found(args);
    return world.instance(dag, run, task, undefined, map);
  };
  const marked = (dryRun) => ({args: [id, run, task, map], body}) => list(mark(world, dagOf(id), runOf(dagOf(id), run), task, map === undefined ? -1 : Number(map), body, dryRun));
  const instance = '/api/v2/dags/:dag/dagRuns/:run/taskInstances/:task';
  const group = '/api/v2/dags/:dag/dagRuns/:run/taskGroupInstances/:group';
  const xcom = (key, map, value) => ({key, timestamp: new Date().toISOString(), map_index: map, ...(value === undefined ? {} : {value})});
  return [
    ['GET', '/millrace/v1/dags/:dag/graph', ({args: [id]}) => {
      const dag = dagOf(id);
      const groups = dag.groups ?? [];
      const groupOf = (task) => groups.filter((group) => task.startsWith(`${group.id}.`)).sort((a, b) => b.id.length - a.id.length)[0]?.id ?? null;
      return {
        tasks: dag.tasks.map((task) => ({task_id: task.id, operator_name: task.kind, group: groupOf(task.id), trigger_rule: 'all_success', role: task.role ?? 'work', is_mapped: task.mapped !== undefined})),
        groups: groups.map((group) => ({...group, is_mapped: false})),
        edges: dag.tasks.flatMap((task) => task.next.map((to) => ({from: task.id, to, label: dag.labels?.[`${task.id}>${to}`] ?? null}))),
      };
    }],
    ['GET', `${instance}/listMapped`, ({args: [id, run, task], query}) => {
      const here = runOf(dagOf(id), run);
      const parts = cellOf(here, task).parts ?? fail(404, `Task ${task} is not mapped`);
      const rows = parts.map((_, i) => world.instance(dagOf(id), here, task, undefined, i));
      const offset = Number(query.get('offset') ?? 0);
      return {task_instances: rows.slice(offset, offset + Number(query.get('limit') ?? 50)), total_entries: rows.length};
    }],
    ['GET', `${instance}/tries`, tries],
    ['GET', `${instance}/xcomEntries`, ({args: [id, run, task], query}) => {
      const map = Number(query.get('map_index') ?? -1);
      const entries = told(runOf(dagOf(id), run), task, map).state === 'success' ? [xcom('return_value', map), xcom('rows', map)] : [];
      return {xcom_entries: entries, total_entries: entries.length};
    }],
    ['GET', `${instance}/xcomEntries/:key`, ({args: [, , task, key], query}) => xcom(key, Number(query.get('map_index') ?? -1), key === 'rows' ? 226 : {task, files: ['part-0.parquet', '<b>part-1</b>.parquet']})],
    ['GET', `${instance}/state-store`, () => {
      const entries = [{key: 'job_id', value: 'job-<b>17</b>', updated_at: new Date().toISOString(), expires_at: null}];
      return {task_state_store: entries, total_entries: entries.length};
    }],
    ['GET', `${instance}/:map/tries`, tries],
    ['GET', `${instance}/:map`, one],
    ['GET', instance, one],
    ['PATCH', `${instance}/dry_run`, marked(true)],
    ['PATCH', `${instance}/:map/dry_run`, marked(true)],
    ['PATCH', `${instance}/:map`, marked(false)],
    ['PATCH', instance, marked(false)],
    ['PATCH', `${group}/dry_run`, marked(true)],
    ['PATCH', group, marked(false)],
    ['POST', '/api/v2/dags/:dag/clearTaskInstances', ({args: [id], body}) => list(clear(world, dagOf(id), body))],
    ['POST', '/api/v2/dags/~/clearDagRuns', ({body}) => {
      const named = body.dag_runs.map((one) => [dagOf(one.dag_id), one.dag_run_id]);
      const rows = named.flatMap(([dag, run]) => clear(world, dag, {...body, dag_run_id: run, include_downstream: body.only_failed}));
      return body.dry_run === false ? {dag_runs: named.map(([dag, run]) => world.runResponse(dag, runOf(dag, run))), total_entries: named.length} : list(rows);
    }],
    ['PATCH', '/api/v2/dags/~/dagRuns', ({body: {actions: [{action, entities}]}}) => {
      const answer = {success: [], errors: []};
      for (const {dag_id, dag_run_id, state} of entities) {
        const dag = dagOf(dag_id);
        const run = runOf(dag, dag_run_id);
        if (action === 'delete' && ['running', 'queued'].includes(run.state)) {
          answer.errors.push({error: `${dag_run_id} is under way`, status_code: 409});
          continue;
        }
        if (action === 'delete') dag.list.splice(dag.list.indexOf(run), 1);
        else if (state === 'failed') world.cancel(dag, run);
        else world.markRun(dag, run);
        answer.success.push(`${dag_id}.${dag_run_id}`);
      }
      return {create: null, update: null, delete: null, [action]: answer};
    }],
  ];
}
