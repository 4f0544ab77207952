// The REST client: one function a route. Knows paths, bodies and errors; knows nothing of React or of the session.
import type {
  Approval,
  Asset,
  AssetEvent,
  AuditEntry,
  Backfill,
  Calendar,
  CheckHistory,
  Connection,
  Dag,
  DagDetails,
  DagRun,
  DagVersion,
  Graph,
  Grid,
  ImportError,
  InstanceKey,
  LogChunk,
  Me,
  Pool,
  Reprocess,
  Task,
  TaskInstance,
  Variable,
  Why,
  Worker,
  XComEntry,
} from './types';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ClientOptions {
  token: () => string | null;
  onUnauthorized: () => void;
  fetch?: typeof fetch;
}

type Query = Record<string, string | number | boolean | null | undefined | string[]>;

export function queryString(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    if (Array.isArray(value)) value.forEach((one) => parts.append(name, one));
    else parts.append(name, String(value));
  }
  const text = parts.toString();
  return text === '' ? '' : `?${text}`;
}

// FastAPI's two error shapes: {detail: "text"} and {detail: [{loc, msg}]}.
export function errorMessage(status: number, body: unknown): string {
  const detail = (body as {detail?: unknown} | null)?.detail;
  if (typeof detail === 'string') return detail;
  if (Array.isArray(detail)) {
    return detail
      .map((item: {loc?: unknown[]; msg?: string}) => {
        const place = (item.loc ?? []).filter((part) => part !== 'body').join('.');
        return place === '' ? (item.msg ?? '') : `${place}: ${item.msg ?? ''}`;
      })
      .join('; ');
  }
  return `The server answered with status ${status}`;
}

// Escapes what a path segment needs escaped and leaves ':' and '+' of run ids readable.
function segment(id: string): string {
  return encodeURIComponent(id).replaceAll('%3A', ':');
}

const dagPath = (dag: string) => `/api/v2/dags/${segment(dag)}`;
const runPath = (dag: string, run: string) => `${dagPath(dag)}/dagRuns/${segment(run)}`;
const taskPath = ({dag, run, task}: InstanceKey) => `${runPath(dag, run)}/taskInstances/${segment(task)}`;
// With the map index in the path, where Airflow wants it there.
const instancePath = (key: InstanceKey) => (key.map < 0 ? taskPath(key) : `${taskPath(key)}/${key.map}`);
const mapQuery = ({map}: InstanceKey) => ({map_index: map < 0 ? null : map});
const kPage = 100;

export interface DagFilter {
  search?: string;
  tags?: string[];
  paused?: boolean;
  limit: number;
  offset: number;
}

export interface Trigger {
  logical_date: string | null;
  conf: Record<string, unknown>;
  dag_run_id?: string;
  note?: string;
}

// Which task instances are meant, from one or from a whole run: preview and action are one request, but for dry_run.
export interface Selection {
  upstream: boolean;
  downstream: boolean;
  past: boolean;
  future: boolean;
}

export interface ClearOptions extends Selection {
  onlyFailed: boolean;
  newestVersion: boolean;
}

export type Mark = 'success' | 'failed' | 'skipped';

type Listed = Promise<{task_instances: TaskInstance[]}>;

const selectionBody = ({upstream, downstream, past, future}: Selection) => ({
  include_upstream: upstream,
  include_downstream: downstream,
  include_past: past,
  include_future: future,
});

export interface BackfillRequest {
  dag_id: string;
  from_date: string;
  to_date: string;
  reprocess_behavior: Reprocess;
  max_active_runs: number;
  run_backwards: boolean;
  run_on_latest_version: boolean;
  include_downstream: boolean;
  dag_run_conf: Record<string, unknown>;
}

export interface PoolRequest {
  name: string;
  slots: number;
  description: string;
}

// Which runs are listed; what is not named is not asked.
export interface RunFilter {
  state?: string;
  run_type?: string;
  run_id_pattern?: string;
  logical_date_gte?: string;
  logical_date_lt?: string;
  run_after_gte?: string;
  run_after_lt?: string;
}

type RunName = Pick<DagRun, 'dag_id' | 'dag_run_id'>;
const runName = ({dag_id, dag_run_id}: RunName) => ({dag_id, dag_run_id});

export interface BulkResult {
  done: number;
  errors: string[];
}

function bulkResult(answer: unknown, action: string): BulkResult {
  const part = (answer as Record<string, {success: string[]; errors: {error: string}[]} | null>)[action];
  return {done: part?.success.length ?? 0, errors: (part?.errors ?? []).map(({error}) => error)};
}

export class Client {
  constructor(private readonly options: ClientOptions) {}

  async login(username: string, password: string): Promise<string> {
    const answer = await this.send('POST', '/auth/token', {username, password}, undefined, false);
    return (answer as {access_token: string}).access_token;
  }

  dags(filter: DagFilter, signal?: AbortSignal) {
    const query = queryString({
      limit: filter.limit,
      offset: filter.offset,
      tags: filter.tags,
      paused: filter.paused,
      dag_id_pattern: filter.search ? `%${filter.search}%` : undefined,
      order_by: 'dag_id',
    });
    return this.get<{dags: Dag[]; total_entries: number}>(`/api/v2/dags${query}`, signal);
  }

  dag(dag: string, signal?: AbortSignal) {
    return this.get<DagDetails>(`${dagPath(dag)}/details`, signal);
  }

  setPaused(dag: string, paused: boolean) {
    return this.send('PATCH', dagPath(dag), {is_paused: paused}) as Promise<Dag>;
  }

  tasks(dag: string, signal?: AbortSignal) {
    return this.get<{tasks: Task[]; total_entries: number}>(`${dagPath(dag)}/tasks`, signal);
  }

  // The newest runs of each, as much of them as a list of DAGs shows.
  recentRuns(dags: string[], signal?: AbortSignal) {
    return this.get<{dag_runs: DagRun[]}>(`/millrace/v1/recent_runs${queryString({dag_id: dags})}`, signal);
  }

  run(dag: string, run: string, signal?: AbortSignal) {
    return this.get<DagRun>(runPath(dag, run), signal);
  }

  trigger(dag: string, trigger: Trigger) {
    return this.send('POST', `${dagPath(dag)}/dagRuns`, trigger) as Promise<DagRun>;
  }

  noteRun(dag: string, run: string, note: string) {
    return this.send('PATCH', runPath(dag, run), {note}) as Promise<DagRun>;
  }

  noteInstance(key: InstanceKey, note: string) {
    return this.send('PATCH', instancePath(key), {note});
  }

  // '~' means of every DAG; the newest first.
  runList(dag: string, filter: RunFilter, offset: number, signal?: AbortSignal) {
    const path = dag === '~' ? '/api/v2/dags/~' : dagPath(dag);
    const query = queryString({...filter, limit: kPage, offset, order_by: '-run_after'});
    return this.get<{dag_runs: DagRun[]; total_entries: number}>(`${path}/dagRuns${query}`, signal);
  }

  clearRuns(runs: readonly RunName[], options: {onlyFailed: boolean; newestVersion: boolean}, dryRun: boolean) {
    return this.send('POST', '/api/v2/dags/~/clearDagRuns', {
      dag_runs: runs.map(runName),
      only_failed: options.onlyFailed,
      run_on_latest_version: options.newestVersion,
      dry_run: dryRun,
    }) as Promise<{task_instances?: TaskInstance[]; dag_runs?: DagRun[]}>;
  }

  // state null deletes them; Airflow has no word for "cancelled": a running one that is marked failed is. Each by itself: what is refused is told, the others are done.
  async changeRuns(runs: readonly RunName[], state: 'success' | 'failed' | null) {
    const action = state === null ? 'delete' : 'update';
    const entities = runs.map((run) => ({...runName(run), ...(state === null ? {} : {state})}));
    const actions = [{action, entities, action_on_non_existence: 'skip'}];
    return bulkResult(await this.send('PATCH', '/api/v2/dags/~/dagRuns', {actions}), action);
  }

  grid(dag: string, limit: number, signal?: AbortSignal) {
    return this.get<Grid>(`/millrace/v1/dags/${segment(dag)}/grid${queryString({limit})}`, signal);
  }

  checks(dag: string, limit: number, signal?: AbortSignal) {
    return this.get<CheckHistory>(`/millrace/v1/dags/${segment(dag)}/checks${queryString({limit})}`, signal);
  }

  // Days from `from` up to and without `to`, which are times.
  calendar(dag: string, from: string, to: string, timezone: string, signal?: AbortSignal) {
    const query = queryString({from, to, timezone});
    return this.get<Calendar>(`/millrace/v1/dags/${segment(dag)}/calendar${query}`, signal);
  }

  graph(dag: string, signal?: AbortSignal) {
    return this.get<Graph>(`/millrace/v1/dags/${segment(dag)}/graph`, signal);
  }

  taskInstance(key: InstanceKey, signal?: AbortSignal) {
    return this.get<TaskInstance>(instancePath(key), signal);
  }

  // All instances of a mapped task, in the order of their index: the first page tells how many more there are.
  async mappedInstances(key: InstanceKey, signal?: AbortSignal): Promise<TaskInstance[]> {
    const page = (offset: number) =>
      this.get<{task_instances: TaskInstance[]; total_entries: number}>(
        `${taskPath(key)}/listMapped${queryString({limit: kPage, offset})}`,
        signal,
      );
    const first = await page(0);
    const offsets: number[] = [];
    for (let offset = kPage; offset < Math.min(first.total_entries, 10_000); offset += kPage) offsets.push(offset);
    const rest = await Promise.all(offsets.map(page));
    return [first, ...rest].flatMap((one) => one.task_instances);
  }

  tries(key: InstanceKey, signal?: AbortSignal) {
    return this.get<{task_instances: TaskInstance[]; total_entries: number}>(`${instancePath(key)}/tries`, signal);
  }

  log(key: InstanceKey, attempt: number, token: string | null, signal?: AbortSignal) {
    const query = queryString({token, ...mapQuery(key)});
    return this.get<LogChunk>(`${taskPath(key)}/logs/${attempt}${query}`, signal);
  }

  // Their values come one by one: the list names them only.
  async xcoms(key: InstanceKey, signal?: AbortSignal): Promise<XComEntry[]> {
    const path = `${taskPath(key)}/xcomEntries`;
    const list = await this.get<{xcom_entries: XComEntry[]}>(
      `${path}${queryString({limit: kPage, ...mapQuery(key)})}`,
      signal,
    );
    return Promise.all(
      list.xcom_entries.map((entry) =>
        this.get<XComEntry>(`${path}/${segment(entry.key)}${queryString(mapQuery(key))}`, signal),
      ),
    );
  }

  // task null: every task of the run.
  clear(
    {dag, run, task, map}: InstanceKey | (Omit<InstanceKey, 'task'> & {task: null}),
    options: ClearOptions,
    dryRun: boolean,
  ) {
    return this.send('POST', `${dagPath(dag)}/clearTaskInstances`, {
      dag_run_id: run,
      ...(task === null ? {} : {task_ids: [map < 0 ? task : [task, map]]}),
      ...selectionBody(options),
      only_failed: options.onlyFailed,
      run_on_latest_version: options.newestVersion,
      reset_dag_runs: true,
      dry_run: dryRun,
    }) as Listed;
  }

  mark(key: InstanceKey, state: Mark, selection: Selection, dryRun: boolean) {
    const path = `${instancePath(key)}${dryRun ? '/dry_run' : ''}`;
    return this.send('PATCH', path, {new_state: state, ...selectionBody(selection)}) as Listed;
  }

  // The newest first; dag '' means of every DAG.
  backfills(dag: string, signal?: AbortSignal) {
    const query = queryString({dag_id: dag, order_by: '-id', limit: kPage});
    return this.get<{backfills: Backfill[]; total_entries: number}>(`/millrace/v1/backfills${query}`, signal);
  }

  backfill(request: BackfillRequest, dryRun: boolean) {
    return this.send('POST', `/millrace/v1/backfills${dryRun ? '/dry_run' : ''}`, request) as Promise<{
      backfills: Backfill[];
      dates: string[];
    }>;
  }

  changeBackfill(id: number, action: 'pause' | 'unpause' | 'cancel') {
    return this.send('PUT', `/api/v2/backfills/${id}/${action}`);
  }

  pools(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({pool_name_pattern: search, limit: kPage, offset});
    return this.get<{pools: Pool[]; total_entries: number}>(`/api/v2/pools${query}`, signal);
  }

  createPool(pool: PoolRequest) {
    return this.send('POST', '/api/v2/pools', pool) as Promise<Pool>;
  }

  changePool({name, slots, description}: PoolRequest) {
    const mask = name === 'default_pool' ? ['slots'] : ['slots', 'description'];
    const path = `/api/v2/pools/${segment(name)}${queryString({update_mask: mask})}`;
    return this.send('PATCH', path, {name, slots, description}) as Promise<Pool>;
  }

  deletePool(name: string) {
    return this.send('DELETE', `/api/v2/pools/${segment(name)}`);
  }

  assets(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({name_pattern: search, limit: kPage, offset, order_by: 'name'});
    return this.get<{assets: Asset[]; total_entries: number}>(`/api/v2/assets${query}`, signal);
  }

  asset(id: number, signal?: AbortSignal) {
    return this.get<Asset>(`/api/v2/assets/${id}`, signal);
  }

  assetEvents(id: number, signal?: AbortSignal) {
    const query = queryString({asset_id: id, order_by: '-timestamp', limit: 50});
    return this.get<{asset_events: AssetEvent[]; total_entries: number}>(`/api/v2/assets/events${query}`, signal);
  }

  // Updates that made a run start.
  upstreamEvents(dag: string, run: string, signal?: AbortSignal) {
    return this.get<{asset_events: AssetEvent[]}>(`${runPath(dag, run)}/upstreamAssetEvents`, signal);
  }

  updateAsset(id: number, extra: Record<string, unknown>) {
    return this.send('POST', '/api/v2/assets/events', {asset_id: id, extra}) as Promise<AssetEvent>;
  }

  materialize(id: number) {
    return this.send('POST', `/api/v2/assets/${id}/materialize`, {}) as Promise<DagRun>;
  }

  me(signal?: AbortSignal) {
    return this.get<Me>('/millrace/v1/me', signal);
  }

  variables(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({variable_key_pattern: search, limit: kPage, offset});
    return this.get<{variables: Variable[]; total_entries: number}>(`/api/v2/variables${query}`, signal);
  }

  saveVariable(variable: Variable, isNew: boolean) {
    const path = isNew ? '/api/v2/variables' : `/api/v2/variables/${segment(variable.key)}`;
    return this.send(isNew ? 'POST' : 'PATCH', path, variable) as Promise<Variable>;
  }

  deleteVariable(key: string) {
    return this.send('DELETE', `/api/v2/variables/${segment(key)}`);
  }

  connections(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({connection_id_pattern: search, limit: kPage, offset});
    return this.get<{connections: Connection[]; total_entries: number}>(`/api/v2/connections${query}`, signal);
  }

  // Airflow's bulk request with one action: all of the names or none. One that somebody else deleted is no problem.
  async deleteMany(resource: 'pools' | 'variables' | 'connections', names: string[]) {
    const actions = [{action: 'delete', entities: names, action_on_non_existence: 'skip'}];
    return bulkResult(await this.send('PATCH', `/api/v2/${resource}`, {actions}), 'delete');
  }

  saveConnection(connection: Partial<Connection> & {connection_id: string}, isNew: boolean) {
    const path = isNew ? '/api/v2/connections' : `/api/v2/connections/${segment(connection.connection_id)}`;
    return this.send(isNew ? 'POST' : 'PATCH', path, connection) as Promise<Connection>;
  }

  // A worker tries it; what is not given is as it is kept.
  testConnection(connection: Partial<Connection> & {connection_id: string}) {
    return this.send('POST', '/api/v2/connections/test', connection) as Promise<{status: boolean; message: string}>;
  }

  deleteConnection(id: string) {
    return this.send('DELETE', `/api/v2/connections/${segment(id)}`);
  }

  audit(filter: {owner: string; event: string; dag_id: string; offset: number}, signal?: AbortSignal) {
    const query = queryString({...filter, limit: kPage, order_by: '-when'});
    return this.get<{event_logs: AuditEntry[]; total_entries: number}>(`/api/v2/eventLogs${query}`, signal);
  }

  // Of every DAG and run; waiting: only those that nobody has answered yet.
  approvals(waiting: boolean, signal?: AbortSignal) {
    const query = queryString({
      limit: kPage,
      order_by: '-created_at',
      ...(waiting ? {response_received: false, state: ['deferred']} : {}),
    });
    return this.get<{hitl_details: Approval[]; total_entries: number}>(
      `/api/v2/dags/~/dagRuns/~/hitlDetails${query}`,
      signal,
    );
  }

  approval(key: InstanceKey, signal?: AbortSignal) {
    return this.get<Approval>(`${taskPath(key)}/${key.map}/hitlDetails`, signal);
  }

  answer(key: InstanceKey, options: string[], values: Record<string, unknown>) {
    const body = {chosen_options: options, params_input: values};
    return this.send('PATCH', `${taskPath(key)}/${key.map}/hitlDetails`, body);
  }

  async versions(dag: string, signal?: AbortSignal): Promise<DagVersion[]> {
    const path = `${dagPath(dag)}/dagVersions`;
    type Page = {dag_versions: DagVersion[]; total_entries: number};
    const first = await this.get<Page>(`${path}${queryString({limit: kPage})}`, signal);
    if (first.total_entries <= kPage) return first.dag_versions.reverse();
    // Oldest first on the wire: of many, the newest are worth showing.
    const offset = first.total_entries - kPage;
    return (await this.get<Page>(`${path}${queryString({limit: kPage, offset})}`, signal)).dag_versions.reverse();
  }

  async source(dag: string, version: number | null, signal?: AbortSignal): Promise<string> {
    const query = queryString({version_number: version});
    return (await this.get<{content: string}>(`/api/v2/dagSources/${segment(dag)}${query}`, signal)).content;
  }

  importErrors(signal?: AbortSignal) {
    return this.get<{import_errors: ImportError[]; total_entries: number}>('/api/v2/importErrors?limit=100', signal);
  }

  why(key: InstanceKey, signal?: AbortSignal) {
    const path = taskPath(key).replace('/api/v2/', '/millrace/v1/');
    return this.get<Why>(`${path}/why${queryString(mapQuery(key))}`, signal);
  }

  job({dag, run, task}: InstanceKey, signal?: AbortSignal) {
    return this.get<unknown>(`/millrace/v1/jobs/${segment(dag)}/${segment(run)}/${segment(task)}`, signal);
  }

  workers(signal?: AbortSignal) {
    return this.get<{workers: Worker[]}>('/millrace/v1/workers', signal);
  }

  version(signal?: AbortSignal) {
    return this.get<{version: string}>('/api/v2/version', signal);
  }

  private get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send('GET', path, undefined, signal) as Promise<T>;
  }

  private async send(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    signedIn = true,
  ): Promise<unknown> {
    const headers: Record<string, string> = {Accept: 'application/json'};
    const token = this.options.token();
    if (signedIn && token !== null) headers['Authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const request: RequestInit = {method, headers};
    if (body !== undefined) request.body = JSON.stringify(body);
    if (signal) request.signal = signal;
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(path, request);
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error;
      throw new ApiError(0, 'The scheduler does not answer. Is millrace-scheduler running?');
    }
    const text = await response.text();
    let answer: unknown = null;
    try {
      answer = text === '' ? null : JSON.parse(text);
    } catch {
      if (response.ok) throw new ApiError(response.status, `${path} did not answer with JSON`);
    }
    if (response.ok) return answer;
    if (response.status === 401 && signedIn) this.options.onUnauthorized();
    throw new ApiError(response.status, errorMessage(response.status, answer));
  }
}
