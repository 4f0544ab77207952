// A stand-in for the scheduler's HTTP side: the same routes, statuses and headers (strict CSP included), with runs that really
// proceed, so that the pages can be driven and looked at without a scheduler. `node mock_server.mjs DIST [PORT [MORE_DAGS]]` prints its
// address; startMock() is what tests use.
import {createServer} from 'node:http';
import {readFile} from 'node:fs/promises';
import {extname, join, normalize} from 'node:path';
import {pathToFileURL} from 'node:url';
import {kDags, kImportErrors, kJobReport, logLines, random} from './mock_data.mjs';
import {activity} from './mock_activity.mjs';
import {dependencies} from './mock_dependencies.mjs';
import {lists} from './mock_lists.mjs';
import {countsOf, fail, finders, operations} from './mock_operations.mjs';
import {users} from './mock_users.mjs';

const kTypes = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'};
export const kPolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const kBurstLines = 100_000;

const iso = (milliseconds) => (milliseconds === null ? null : new Date(milliseconds).toISOString());

class World {
  constructor(speed) {
    this.speed = speed;
    this.now = Date.now();
    this.dags = new Map();
    this.streams = new Set();
    this.events = [];
    this.requests = [];
    this.held = new Map();
    this.asked = [];
    this.rights = {};
    this.next = random(42);
    kDags.forEach((dag) => this.add(dag));
  }

  add(made) {
    const dag = {...made, paused: made.paused ?? false, list: []};
    this.dags.set(dag.id, dag);
    for (let n = 0; n < dag.runs; n++) this.pastRun(dag, n, this.next);
  }

  pastRun(dag, n, next) {
    const logical = dag.id === 'daily_flights' ? Date.UTC(2001, 1, 5 + n, 7) : this.now - (dag.runs - n + 1) * dag.every * 1000;
    const begin = dag.id === 'daily_flights' ? this.now - (dag.runs - n) * 3600e3 : logical + dag.every * 1000 + 400;
    const run = {id: `scheduled__${iso(logical).replace('.000Z', '+00:00')}`, type: 'scheduled', logical, begin, end: begin, state: 'success', conf: {}, cells: new Map()};
    const failing = dag.fail?.[n];
    const ends = new Map();
    const stopped = new Set();
    for (const task of dag.tasks) {
      const needs = dag.tasks.filter((other) => other.next.includes(task.id));
      const start = Math.max(begin + 5, ...needs.map((other) => ends.get(other.id) ?? 0)) + 3;
      const end = start + task.seconds * 1000 * (0.7 + next() * 0.6);
      const cut = needs.some((other) => stopped.has(other.id));
      const state = cut ? 'upstream_failed' : task.id === failing ? 'failed' : 'success';
      if (state !== 'success') stopped.add(task.id);
      ends.set(task.id, cut ? start : end);
      const retried = state === 'failed' ? 3 : next() < 0.03 ? 2 : 1;
      const cell = {state, attempt: cut ? 0 : retried, start: cut ? null : start, end: cut ? null : end};
      // Of a failed mapped task one instance failed.
      if (task.mapped) cell.parts = Array.from({length: task.mapped}, (_, i) => ({...cell, state: state === 'failed' && i !== 4 ? 'success' : state, attempt: i === 4 ? cell.attempt : Math.min(1, cell.attempt)}));
      run.cells.set(task.id, cell);
      run.end = Math.max(run.end, cut ? start : end);
    }
    if (failing) run.state = 'failed';
    dag.list.push(run);
  }

  start(dag, body, user) {
    const logical = body.logical_date ? Date.parse(body.logical_date) : Date.now();
    const run = {id: body.dag_run_id ?? `manual__${iso(logical).replace('Z', '+00:00')}`, note: body.note ?? null, type: 'manual', logical: body.logical_date ? logical : null, begin: null, end: null, queued: Date.now(), state: 'queued', conf: body.conf ?? {}, cells: new Map(), user};
    if (dag.list.some((other) => other.id === run.id)) return null;
    for (const task of dag.tasks) run.cells.set(task.id, {state: null, attempt: 0, start: null, end: null});
    dag.list.push(run);
    this.tell(dag, run, null);
    setTimeout(() => {
      run.state = 'running';
      run.begin = Date.now();
      this.tell(dag, run, null);
      this.proceed(dag, run);
    }, 300 / this.speed).unref();
    return run;
  }

  proceed(dag, run) {
    if (run.state !== 'running') return;
    for (const task of dag.tasks) {
      const cell = run.cells.get(task.id);
      const needs = dag.tasks.filter((other) => other.next.includes(task.id));
      if (cell.state !== null || !needs.every((other) => run.cells.get(other.id).state === 'success')) continue;
      cell.state = 'queued';
      cell.queued = Date.now();
      cell.attempt++;
      this.tell(dag, run, task.id);
      setTimeout(() => {
        if (run.state !== 'running' || cell.state !== 'queued') return;
        Object.assign(cell, {state: task.asks ? 'deferred' : 'running', start: Date.now(), end: null});
        this.tell(dag, run, task.id);
        if (task.mapped) {
          cell.parts = Array.from({length: task.mapped}, () => ({state: 'running', attempt: cell.attempt, start: cell.start, end: null}));
          cell.parts.forEach((_, i) => this.tell(dag, run, task.id, i));
        }
        const end = () => {
          if (cell.state !== 'running') return;
          if (this.held.has(task.id)) return void this.held.get(task.id).push(end);
          Object.assign(cell, {state: 'success', end: Date.now()});
          cell.parts?.forEach((part, i) => {
            Object.assign(part, {state: 'success', end: Date.now()});
            this.tell(dag, run, task.id, i);
          });
          this.tell(dag, run, task.id);
          if ([...run.cells.values()].every((other) => other.state === 'success')) {
            Object.assign(run, {state: 'success', end: Date.now()});
            this.tell(dag, run, null);
          } else this.proceed(dag, run);
        };
        if (task.asks) {
          this.asked.push({dag, run, task, cell, at: Date.now(), finish: () => {
            cell.state = 'running';
            end();
          }});
          return;
        }
        setTimeout(end, (task.seconds * 1000) / this.speed).unref();
      }, 120 / this.speed).unref();
    }
  }

  // Tasks of this name keep running until they are released: a test that wants to see one at work needs no luck.
  hold(task) {
    this.held.set(task, []);
  }

  release(task) {
    const waiting = this.held.get(task) ?? [];
    this.held.delete(task);
    waiting.forEach((end) => end());
  }

  cancel(dag, run) {
    for (const [id, cell] of run.cells) {
      if (cell.state === 'success' || cell.state === 'failed') continue;
      Object.assign(cell, cell.state === 'running' ? {state: 'failed', end: Date.now()} : {state: 'skipped'});
      this.tell(dag, run, id);
    }
    Object.assign(run, {state: 'failed', end: Date.now()});
    this.tell(dag, run, null);
  }

  markRun(dag, run) {
    for (const [id, cell] of run.cells) {
      for (const one of [cell, ...(cell.parts ?? [])]) Object.assign(one, {state: 'success', end: one.end ?? Date.now()});
      this.tell(dag, run, id);
    }
    Object.assign(run, {state: 'success', end: Date.now()});
    this.tell(dag, run, null);
  }

  // map: one instance of a mapped task; of such a task itself nothing is told.
  tell(dag, run, task, map = -1) {
    const cell = task === null ? null : run.cells.get(task);
    if (cell?.parts && map < 0) return;
    const told = map < 0 ? cell : cell.parts[map];
    const data = {dag_id: dag.id, dag_run_id: run.id, task_id: task, map_index: task === null ? null : map, state: told ? told.state : run.state, try_number: told ? told.attempt : null, at: iso(Date.now())};
    const event = {id: `${this.events.length + 1}.0`, data};
    this.events.push(event);
    for (const stream of this.streams) if (stream.dag === null || stream.dag === dag.id) stream.send(event);
  }

  runResponse(dag, run) {
    const interval = run.logical !== null && run.type === 'scheduled' ? [iso(run.logical), iso(run.logical + dag.every * 1000)] : [iso(run.logical), iso(run.logical)];
    return {dag_run_id: run.id, dag_id: dag.id, dag_display_name: dag.id, run_type: run.type, state: run.state, logical_date: iso(run.logical), run_after: iso(run.queued ?? run.begin), queued_at: iso(run.queued ?? run.begin - 200), start_date: iso(run.begin), end_date: iso(run.state === 'running' || run.state === 'queued' ? null : run.end), data_interval_start: interval[0], data_interval_end: interval[1], conf: run.conf, note: run.note ?? null, dag_versions: [], triggering_user_name: run.user ?? null};
  }

  instance(dag, run, task, attempt, map = -1) {
    const cell = map < 0 ? run.cells.get(task) : run.cells.get(task).parts[map];
    const kind = dag.tasks.find((one) => one.id === task).kind;
    const old = attempt !== undefined && attempt < cell.attempt;
    return {id: '00000000-0000-0000-0000-000000000000', note: cell.note ?? null, task_id: task, task_display_name: task, dag_id: dag.id, dag_run_id: run.id, map_index: map, state: old ? 'up_for_retry' : cell.state, try_number: attempt ?? cell.attempt, max_tries: 3, start_date: iso(cell.start), end_date: iso(cell.end), queued_when: iso(cell.start && cell.start - 30), scheduled_when: iso(cell.start && cell.start - 40), duration: cell.end && (cell.end - cell.start) / 1000, hostname: cell.start ? 'worker-1' : '', pool: 'default_pool', pool_slots: 1, operator: kind, operator_name: kind, executor_config: '{}', run_after: iso(run.begin),
      rendered_fields: kind === 'extract' ? {connection: 'warehouse', sql: "SELECT * FROM flights\nWHERE CAST(date AS DATE) = DATE '2001-03-01'", to: 'lake/raw/2001-03-01/', files: 4} : {}};
  }

  dagResponse(dag) {
    const every = dag.schedule === null ? null : dag.every * 1000;
    const next = every === null ? null : iso(Math.ceil(this.now / every) * every);
    return {dag_id: dag.id, dag_display_name: dag.id, is_paused: dag.paused, is_favorite: dag.favorite ?? false, is_stale: false, fileloc: `dags/${dag.id}.yaml`, file_token: '', description: dag.description || null, tags: dag.tags.map((name) => ({name, dag_id: dag.id, dag_display_name: dag.id})), owners: [dag.owner], max_active_tasks: 16, max_consecutive_failed_dag_runs: 0, has_task_concurrency_limits: false, has_import_errors: false, timetable_partitioned: false, timetable_summary: dag.schedule, timetable_description: dag.schedule === null ? 'Never, external triggers only' : `Cron ${dag.schedule}, ${dag.zone ?? 'UTC'}`, next_dagrun_logical_date: next, next_dagrun_run_after: next};
  }
}

function logResponse(world, dag, run, task, attempt, token) {
  const cell = run.cells.get(task);
  const kind = dag.tasks.find((one) => one.id === task).kind;
  const from = Number(token ?? 0);
  const base = cell.start ?? Date.now();
  if (dag.id === 'retention_cleanup' && task === 'remove') {
    const size = 20_000;
    const content = Array.from({length: Math.max(0, Math.min(size, kBurstLines - from))}, (_, i) => ({timestamp: iso(base + (from + i) / 50), event: `removed lake/raw/${2000 + ((from + i) % 24)}/part-${String(from + i).padStart(6, '0')}.parquet <b>&amp;</b>`}));
    return {content, continuation_token: from + content.length < kBurstLines ? String(from + content.length) : null};
  }
  const lines = logLines(kind, cell.state === 'failed' || attempt < cell.attempt);
  const settled = cell.state !== 'running';
  const total = !settled ? Math.floor(((Date.now() - base) / (dag.tasks.find((one) => one.id === task).seconds * 1000 / world.speed)) * lines.length) : lines.length;
  const content = lines.slice(from, Math.min(total, lines.length)).map((event, i) => ({timestamp: iso(base + (from + i) * 37), event}));
  return {content, continuation_token: settled ? null : String(from + content.length)};
}

// A route is [method, pattern, handler]; ':' parts of the pattern become arguments.
function routes(world) {
  const {dagOf, runOf, cellOf} = finders(world);
  const newestFirst = (a, b) => (b.queued ?? b.begin) - (a.queued ?? a.begin);
  return [
    ['GET', '/api/v2/dags', ({query}) => {
      const pattern = (query.get('dag_id_pattern') ?? '').replaceAll('%', '');
      const tags = query.getAll('tags');
      const found = [...world.dags.values()].filter((dag) => dag.id.includes(pattern) && (tags.length === 0 || dag.tags.some((tag) => tags.includes(tag))) && (query.get('paused') === null || String(dag.paused) === query.get('paused')) && (query.get('is_favorite') === null || String(dag.favorite ?? false) === query.get('is_favorite'))).sort((a, b) => (a.id < b.id ? -1 : 1));
      const offset = Number(query.get('offset') ?? 0);
      return {dags: found.slice(offset, offset + Number(query.get('limit') ?? 50)).map((dag) => world.dagResponse(dag)), total_entries: found.length};
    }],
    ['PATCH', '/api/v2/dags/:dag', ({args: [id], body}) => {
      dagOf(id).paused = body.is_paused;
      return world.dagResponse(dagOf(id));
    }],
    ...['favorite', 'unfavorite'].map((verb) => ['POST', `/api/v2/dags/:dag/${verb}`, ({args: [id]}) => {
      dagOf(id).favorite = verb === 'favorite';
    }]),
    ['GET', '/api/v2/dags/:dag/details', ({args: [id]}) => ({...world.dagResponse(dagOf(id)), params: dagOf(id).params ?? {}, timezone: dagOf(id).zone ?? 'UTC', catchup: false})],
    ['PATCH', '/millrace/v1/dags/:dag/tasks/:task', ({args: [id, name], body}) => {
      const task = dagOf(id).tasks.find((one) => one.id === name);
      task.paused = body.is_paused;
      return {tasks: [{task_id: task.id, is_paused: task.paused, downstream_task_ids: task.next}], total_entries: 1};
    }],
    ['GET', '/api/v2/dags/:dag/tasks', ({args: [id]}) => ({tasks: dagOf(id).tasks.map((task) => ({is_paused: task.paused ?? false, task_id: task.id, task_display_name: task.id, operator_name: task.kind, downstream_task_ids: task.next, trigger_rule: 'all_success', is_mapped: task.mapped !== undefined})), total_entries: dagOf(id).tasks.length})],
    ['GET', '/api/v2/dags/:dag/dagRuns', ({args: [id], query}) => {
      const dags = id === '~' ? [...world.dags.values()] : [dagOf(id)];
      const time = (name) => (query.get(name) === null ? null : Date.parse(query.get(name)));
      const within = (at, name) => (time(`${name}_gte`) === null || (at !== null && at >= time(`${name}_gte`))) && (time(`${name}_lt`) === null || (at !== null && at < time(`${name}_lt`)));
      const wanted = (dag, run) => within(run.logical, 'logical_date') && within(run.queued ?? run.begin, 'run_after') && (!query.get('state') || run.state === query.get('state')) && (!query.get('run_type') || run.type === query.get('run_type')) && run.id.includes(query.get('run_id_pattern') ?? '');
      const all = dags.flatMap((dag) => dag.list.filter((run) => wanted(dag, run)).map((run) => [dag, run])).sort((a, b) => newestFirst(a[1], b[1]));
      const offset = Number(query.get('offset') ?? 0);
      return {dag_runs: all.slice(offset, offset + Number(query.get('limit') ?? 50)).map(([dag, run]) => world.runResponse(dag, run)), total_entries: all.length};
    }],
    ['POST', '/api/v2/dags/:dag/dagRuns', ({args: [id], body}) => {
      if (!('logical_date' in body)) fail(422, [{loc: ['body', 'logical_date'], msg: 'Field required', type: 'missing'}]);
      const dag = dagOf(id);
      if (body.conf?.shops?.includes('XXX')) fail(400, 'param shops [0] is no shop; param text is too sad');
      return world.runResponse(dag, world.start(dag, body, 'admin') ?? fail(409, 'DagRun with this logical date already exists'));
    }],
    ['GET', '/api/v2/dags/:dag/dagRuns/:run', ({args: [id, run]}) => world.runResponse(dagOf(id), runOf(dagOf(id), run))],
    ['PATCH', '/api/v2/dags/:dag/dagRuns/:run', ({args: [id, run], body}) => {
      if (body.note !== undefined) runOf(dagOf(id), run).note = body.note;
      return world.runResponse(dagOf(id), runOf(dagOf(id), run));
    }],
    ['GET', '/api/v2/dags/:dag/dagRuns/:run/taskInstances/:task/logs/:try', ({args: [id, run, task, attempt], query}) => {
      if (cellOf(runOf(dagOf(id), run), task).start === null) fail(404, 'No log yet');
      return logResponse(world, dagOf(id), runOf(dagOf(id), run), task, Number(attempt), query.get('token'));
    }],
    ['GET', '/millrace/v1/dags/:dag/calendar', ({args: [id], query}) => {
      const dag = dagOf(id);
      const [from, to] = ['from', 'to'].map((name) => Date.parse(query.get(name)));
      const days = new Map();
      const dayAt = (time) => {
        const date = iso(time).slice(0, 10);
        if (!days.has(date)) days.set(date, {date, states: {}, planned: 0});
        return days.get(date);
      };
      for (const run of dag.list) {
        const at = run.logical ?? run.queued ?? run.begin;
        if (at < from || at >= to) continue;
        const {states} = dayAt(at);
        states[run.state] = (states[run.state] ?? 0) + 1;
      }
      if (dag.schedule !== null && !dag.paused) for (let at = Math.ceil(world.now / dag.every / 1000) * dag.every * 1000; at < to; at += dag.every * 1000) if (at >= from) dayAt(at).planned++;
      return {dag_id: id, timezone: query.get('timezone'), is_paused: dag.paused, days: [...days.values()].sort((a, b) => (a.date < b.date ? -1 : 1)), all_planned: true};
    }],
    ['GET', '/millrace/v1/recent_runs', ({query}) => ({dag_runs: query.getAll('dag_id').flatMap((id) => [...dagOf(id).list].sort(newestFirst).slice(0, 12).map((run) => world.runResponse(dagOf(id), run)))})],
    ['GET', '/millrace/v1/dags/:dag/checks', ({args: [id], query}) => {
      const dag = dagOf(id);
      const runs = [...dag.list].sort(newestFirst).slice(0, Number(query.get('limit') ?? 25));
      const outcome = (check, type, severity, passed, value, message) => ({check, type, severity, passed, value, failing_rows: passed ? 0 : 12, rows: 16384, message: passed ? '' : message});
      const results = runs.flatMap((run, i) => dag.tasks.filter((task) => task.kind === 'check' && ['success', 'failed'].includes(run.cells.get(task.id).state)).map((task) => ({dag_run_id: run.id, task_id: task.id, map_index: -1, state: run.cells.get(task.id).state, end_date: iso(run.cells.get(task.id).end),
        checks: [outcome('row_count > 0', 'row_count', 'error', run.cells.get(task.id).state === 'success', run.cells.get(task.id).state === 'success' ? 16000 + 400 * Math.round(Math.sin(i) * 10) : 0, 'row_count = 0, expected > 0'), outcome('range(delay, -120, 2000)', 'range', 'warn', i % 7 !== 3, i % 7 === 3 ? 12 : 0, '12 rows beyond, threshold 10')]})));
      return {runs: runs.map((run) => ({dag_run_id: run.id, state: run.state, logical_date: iso(run.logical), run_after: iso(run.begin)})), results};
    }],
    ['GET', '/api/v2/importErrors', () => ({import_errors: kImportErrors, total_entries: kImportErrors.length})],
    ['GET', '/millrace/v1/dags/:dag/grid', ({args: [id], query}) => {
      const dag = dagOf(id);
      const runs = [...dag.list].sort(newestFirst).slice(0, Number(query.get('limit') ?? 25));
      return {runs: runs.map((run) => world.runResponse(dag, run)), task_instances: runs.flatMap((run) => [...run.cells].filter(([, cell]) => cell.state !== null).map(([task, cell]) => ({dag_run_id: run.id, task_id: task, state: cell.state, try_number: cell.attempt, queued_date: cell.queued ? iso(cell.queued) : iso(cell.start && cell.start - 400), start_date: iso(cell.start), end_date: iso(cell.end), ...(cell.parts ? {instances: cell.parts.length, states: countsOf(cell.parts)} : {})})))};
    }],
    ['GET', '/millrace/v1/dags/:dag/dagRuns/:run/taskInstances/:task/why', ({args: [id, run, task]}) => {
      const dag = dagOf(id);
      const here = runOf(dag, run);
      const {state} = cellOf(here, task);
      const needs = dag.tasks.filter((other) => other.next.includes(task) && here.cells.get(other.id).state !== 'success');
      const reasons = state === 'failed' ? [{kind: 'failed', message: 'The attempt failed: row_count = 0, expected > 0. No retries are left.'}]
        : needs.map((other) => ({kind: 'upstream', message: `“${other.id}” has to succeed first (trigger rule all_success); it is ${here.cells.get(other.id).state ?? 'not started'}.`}));
      return {state, reasons};
    }],
    ['GET', '/millrace/v1/jobs/:dag/:run/:task', ({args: [id, run, task]}) => (dagOf(id) && runOf(dagOf(id), run).cells.get(task)?.start ? {dag_id: id, dag_run_id: run, task_id: task, try_number: 1, state: 'done', report: kJobReport} : fail(404, 'No job yet'))],
    ['GET', '/millrace/v1/workers', () => ({workers: [1, 2].map((n) => ({worker_id: String(n), name: `worker-${n}`, hostname: 'mill', state: n === 1 ? 'online' : 'draining', slots: 8, slots_used: n, attempts: n, labels: n === 1 ? ['gpu'] : [], version: '0.1.0', pid: 4000 + n, joined_at: iso(world.now - 3600e3), last_heartbeat: iso(Date.now())})), total_entries: 2})],
  ];
}

function answer(response, status, body) {
  response.writeHead(status, {'Content-Type': 'application/json'});
  response.end(JSON.stringify(body));
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? null : JSON.parse(Buffer.concat(parts).toString());
}

async function serveFile(dist, path, response) {
  const wanted = normalize(join(dist, path));
  let file = wanted.startsWith(dist) && (extname(wanted) !== '' || path.startsWith('/static/')) ? wanted : join(dist, 'index.html');
  let content = await readFile(file).catch(() => null);
  if (content === null) {
    file = join(dist, 'index.html');
    content = await readFile(file);
  }
  response.writeHead(200, {'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': kPolicy, 'X-Content-Type-Options': 'nosniff'});
  response.end(content);
}

function serveEvents(world, request, response, query) {
  response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
  response.write(': welcome\n\n');
  const send = ({id, data}) => response.write(`id: ${id}\nevent: transition\ndata: ${JSON.stringify(data)}\n\n`);
  const stream = {dag: query.get('dag_id'), send};
  const last = request.headers['last-event-id'];
  if (last !== undefined) world.events.slice(Number.parseInt(last, 10)).filter(({data}) => stream.dag === null || data.dag_id === stream.dag).forEach(send);
  world.streams.add(stream);
  const beat = setInterval(() => response.write(': beat\n\n'), 10000);
  const over = setTimeout(() => response.end(), 300_000);
  response.on('close', () => {
    clearInterval(beat);
    clearTimeout(over);
    world.streams.delete(stream);
  });
}

// So many small DAGs besides.
export function addMany(world, count) {
  for (let n = 0; n < count; n++) world.add({...kDags.find((dag) => dag.id === 'crm_sync'), id: `tenant_${String(n).padStart(4, '0')}`, description: n % 3 === 0 ? '' : 'One of many', runs: 12});
}

// And one of 1,000 tasks with so many runs.
export function addWide(world, runs) {
  const wide = kDags.find((dag) => dag.id === 'warehouse_rebuild');
  world.add({...wide, id: 'wide', runs, every: 3600});
}

export async function startMock({dist, port = 0, speed = 1, password = 'millrace', more = 0}) {
  const world = new World(speed);
  addMany(world, more);
  const table = [...routes(world), ...operations(world), ...lists(world), ...activity(world), ...dependencies(world), ...users(world)].map(([method, pattern, handler]) => ({method, handler, pattern: new RegExp(`^${pattern.replaceAll(/:\w+/g, '([^/]+)')}$`)}));
  const tokens = new Set();
  const state = {events: true};
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    try {
      if (url.pathname === '/auth/token' && request.method === 'POST') {
        const {username, password: given} = await bodyOf(request);
        if (username !== 'admin' || given !== password) fail(401, 'Invalid credentials');
        const token = `mock-${tokens.size + 1}`;
        tokens.add(token);
        return answer(response, 201, {access_token: token});
      }
      if (!/^\/(api|millrace|auth)(\/|$)/.test(url.pathname)) return await serveFile(dist, url.pathname, response);
      world.requests.push({at: Date.now(), path: url.pathname, query: url.search});
      if (url.pathname === '/api/v2/version') return answer(response, 200, {version: '3.2.1', git_version: null});
      if (!tokens.has((request.headers.authorization ?? '').replace('Bearer ', ''))) fail(401, 'Not authenticated');
      if (url.pathname === '/millrace/v1/events') return state.events ? serveEvents(world, request, response, url.searchParams) : fail(503, 'No streams left');
      for (const {method, pattern, handler} of table) {
        const match = method === request.method && pattern.exec(url.pathname);
        if (match) return answer(response, 200, handler({args: match.slice(1).map(decodeURIComponent), query: url.searchParams, body: await bodyOf(request)}));
      }
      fail(404, 'Not Found');
    } catch (error) {
      answer(response, error.status ?? 500, {detail: error.detail ?? String(error.stack)});
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    world,
    forgetTokens: () => tokens.clear(),
    // Switches live events off or on; off also ends the streams that are open.
    setEvents: (on) => {
      state.events = on;
      if (!on) server.closeAllConnections();
    },
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const mock = await startMock({dist: normalize(process.argv[2] ?? 'webui/dist'), port: Number(process.argv[3] ?? 0), more: Number(process.argv[4] ?? 0)});
  console.log(`${mock.url}  user admin, password millrace`);
}
