// The REST client: one function a route. Knows paths, bodies and errors; knows nothing of React or of the session.
import type {Dag, DagDetails, DagRun, Grid, ImportError, LogChunk, Task, TaskInstance, Why, Worker} from './types';

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
const taskPath = (dag: string, run: string, task: string) => `${runPath(dag, run)}/taskInstances/${segment(task)}`;

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
}

export interface ClearRequest {
  dag_run_id: string;
  // Without it: every task of the run.
  task_ids?: string[];
  include_downstream: boolean;
  only_failed: boolean;
  dry_run: boolean;
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

  // The newest runs first; '~' means of every DAG.
  runs(dag: string, limit: number, signal?: AbortSignal) {
    const path = dag === '~' ? '/api/v2/dags/~' : dagPath(dag);
    const query = queryString({limit, order_by: '-run_after'});
    return this.get<{dag_runs: DagRun[]; total_entries: number}>(`${path}/dagRuns${query}`, signal);
  }

  run(dag: string, run: string, signal?: AbortSignal) {
    return this.get<DagRun>(runPath(dag, run), signal);
  }

  trigger(dag: string, trigger: Trigger) {
    return this.send('POST', `${dagPath(dag)}/dagRuns`, trigger) as Promise<DagRun>;
  }

  // Airflow has no word for "cancelled": a cancelled run is a failed one.
  cancelRun(dag: string, run: string) {
    return this.send('PATCH', runPath(dag, run), {state: 'failed'}) as Promise<DagRun>;
  }

  grid(dag: string, limit: number, signal?: AbortSignal) {
    return this.get<Grid>(`/millrace/v1/dags/${segment(dag)}/grid${queryString({limit})}`, signal);
  }

  taskInstance(dag: string, run: string, task: string, signal?: AbortSignal) {
    return this.get<TaskInstance>(taskPath(dag, run, task), signal);
  }

  tries(dag: string, run: string, task: string, signal?: AbortSignal) {
    return this.get<{task_instances: TaskInstance[]; total_entries: number}>(
      `${taskPath(dag, run, task)}/tries`,
      signal,
    );
  }

  log(dag: string, run: string, task: string, attempt: number, token: string | null, signal?: AbortSignal) {
    return this.get<LogChunk>(`${taskPath(dag, run, task)}/logs/${attempt}${queryString({token})}`, signal);
  }

  clear(dag: string, request: ClearRequest) {
    return this.send('POST', `${dagPath(dag)}/clearTaskInstances`, {...request, reset_dag_runs: true}) as Promise<{
      task_instances: TaskInstance[];
    }>;
  }

  importErrors(signal?: AbortSignal) {
    return this.get<{import_errors: ImportError[]; total_entries: number}>('/api/v2/importErrors?limit=100', signal);
  }

  why(dag: string, run: string, task: string, signal?: AbortSignal) {
    const path = taskPath(dag, run, task).replace('/api/v2/', '/millrace/v1/');
    return this.get<Why>(`${path}/why`, signal);
  }

  job(dag: string, run: string, task: string, signal?: AbortSignal) {
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
