// Task instances: how they stand and why, what they left, and what people do to them.
import {queryString, kPage, type Http} from './http';
import {dagPath, instancePath, mapQuery, segment, taskPath} from './paths';
import type {Approval, InstanceKey, LogChunk, StateEntry, TaskInstance, Why, XComEntry} from './types';

// Which task instances are meant, from one or from a whole run: preview and action are one request, but for dry_run.
export interface Selection {
  upstream: boolean;
  downstream: boolean;
  past: boolean;
  future: boolean;
}

// Of what is selected.
export interface HowCleared {
  only: 'failed' | 'skipped' | null;
  newestVersion: boolean;
}

export type ClearOptions = Selection & HowCleared;

export type NamedTask = string | [task: string, mapIndex: number];

type RunKey = Pick<InstanceKey, 'dag' | 'run'>;

export type Mark = 'success' | 'failed' | 'skipped';

type Listed = Promise<{task_instances: TaskInstance[]}>;

export const clearBody = ({only, newestVersion}: HowCleared, dryRun: boolean) => ({
  only_failed: only === 'failed',
  only_skipped: only === 'skipped',
  run_on_latest_version: newestVersion,
  dry_run: dryRun,
});

const selectionBody = ({upstream, downstream, past, future}: Selection) => ({
  include_upstream: upstream,
  include_downstream: downstream,
  include_past: past,
  include_future: future,
});

export const instanceRoutes = (http: Http) => ({
  taskInstance(key: InstanceKey, signal?: AbortSignal) {
    return http.get<TaskInstance>(instancePath(key), signal);
  },

  // All instances of a mapped task, in the order of their index: the first page tells how many more there are.
  async mappedInstances(key: InstanceKey, signal?: AbortSignal): Promise<TaskInstance[]> {
    const page = (offset: number) =>
      http.get<{task_instances: TaskInstance[]; total_entries: number}>(
        `${taskPath(key)}/listMapped${queryString({limit: kPage, offset})}`,
        signal,
      );
    const first = await page(0);
    const offsets: number[] = [];
    for (let offset = kPage; offset < Math.min(first.total_entries, 10_000); offset += kPage) offsets.push(offset);
    const rest = await Promise.all(offsets.map(page));
    return [first, ...rest].flatMap((one) => one.task_instances);
  },

  tries(key: InstanceKey, signal?: AbortSignal) {
    return http.get<{task_instances: TaskInstance[]; total_entries: number}>(`${instancePath(key)}/tries`, signal);
  },

  log(key: InstanceKey, attempt: number, token: string | null, signal?: AbortSignal) {
    const query = queryString({token, ...mapQuery(key)});
    return http.get<LogChunk>(`${taskPath(key)}/logs/${attempt}${query}`, signal);
  },

  // Their values come one by one: the list names them only.
  async xcoms(key: InstanceKey, signal?: AbortSignal): Promise<XComEntry[]> {
    const path = `${taskPath(key)}/xcomEntries`;
    const list = await http.get<{xcom_entries: XComEntry[]}>(
      `${path}${queryString({limit: kPage, ...mapQuery(key)})}`,
      signal,
    );
    return Promise.all(
      list.xcom_entries.map((entry) =>
        http.get<XComEntry>(`${path}/${segment(entry.key)}${queryString(mapQuery(key))}`, signal),
      ),
    );
  },

  async taskState(key: InstanceKey, signal?: AbortSignal): Promise<StateEntry[]> {
    const query = queryString({limit: kPage, ...mapQuery(key)});
    const list = await http.get<{task_state_store: StateEntry[]}>(`${taskPath(key)}/state-store${query}`, signal);
    return list.task_state_store;
  },

  why(key: InstanceKey, signal?: AbortSignal) {
    const path = taskPath(key).replace('/api/v2/', '/millrace/v1/');
    return http.get<Why>(`${path}/why${queryString(mapQuery(key))}`, signal);
  },

  job({dag, run, task}: InstanceKey, signal?: AbortSignal) {
    return http.get<unknown>(`/millrace/v1/jobs/${segment(dag)}/${segment(run)}/${segment(task)}`, signal);
  },

  noteInstance(key: InstanceKey, note: string) {
    return http.send('PATCH', instancePath(key), {note});
  },

  // tasks null: every task of the run; one with a map index is named alone, a group's id means its tasks.
  clear({dag, run}: RunKey, tasks: readonly NamedTask[] | null, options: ClearOptions, dryRun: boolean) {
    return http.send('POST', `${dagPath(dag)}/clearTaskInstances`, {
      dag_run_id: run,
      ...(tasks === null ? {} : {task_ids: tasks}),
      ...selectionBody(options),
      ...clearBody(options, dryRun),
      reset_dag_runs: true,
    }) as Listed;
  },

  // at: the path of a task instance, or of a group's.
  mark(at: string, state: Mark, selection: Selection, dryRun: boolean) {
    const path = `${at}${dryRun ? '/dry_run' : ''}`;
    return http.send('PATCH', path, {new_state: state, ...selectionBody(selection)}) as Listed;
  },

  // Of every DAG and run; waiting: only those that nobody has answered yet.
  approvals(waiting: boolean, signal?: AbortSignal) {
    const query = queryString({
      limit: kPage,
      order_by: '-created_at',
      ...(waiting ? {response_received: false, state: ['deferred']} : {}),
    });
    return http.get<{hitl_details: Approval[]; total_entries: number}>(
      `/api/v2/dags/~/dagRuns/~/hitlDetails${query}`,
      signal,
    );
  },

  approval(key: InstanceKey, signal?: AbortSignal) {
    return http.get<Approval>(`${taskPath(key)}/${key.map}/hitlDetails`, signal);
  },

  answer(key: InstanceKey, options: string[], values: Record<string, unknown>) {
    const body = {chosen_options: options, params_input: values};
    return http.send('PATCH', `${taskPath(key)}/${key.map}/hitlDetails`, body);
  },
});
