// The parts of Airflow's API v2 and of /millrace/v1 that the dashboard reads, as they are on the wire (snake_case).

export type RunState = 'queued' | 'running' | 'success' | 'failed';

export type TaskState =
  | 'none'
  | 'scheduled'
  | 'queued'
  | 'running'
  | 'success'
  | 'failed'
  | 'up_for_retry'
  | 'up_for_reschedule'
  | 'upstream_failed'
  | 'skipped'
  | 'deferred'
  | 'restarting'
  | 'removed';

export const kTaskStates: readonly TaskState[] = [
  'success',
  'running',
  'failed',
  'up_for_retry',
  'up_for_reschedule',
  'upstream_failed',
  'skipped',
  'queued',
  'scheduled',
  'deferred',
  'restarting',
  'removed',
  'none',
];

export type Time = string | null;

export interface Tag {
  name: string;
}

export interface Dag {
  dag_id: string;
  dag_display_name: string;
  description?: string | null;
  is_paused: boolean;
  // Of who asks.
  is_favorite?: boolean;
  has_import_errors?: boolean;
  timetable_summary?: string | null;
  timetable_description?: string | null;
  timetable_partitioned?: boolean;
  next_dagrun_logical_date?: Time;
  next_dagrun_run_after?: Time;
  tags: Tag[];
  owners: string[];
  fileloc?: string;
}

export interface DagDetails extends Dag {
  params?: Record<string, unknown> | null;
  timezone?: string | null;
  catchup?: boolean;
  max_active_runs?: number;
  start_date?: Time;
  end_date?: Time;
  is_backfillable?: boolean;
  doc_md?: string | null;
  latest_dag_version?: DagVersion | null;
}

export interface DagRun {
  dag_run_id: string;
  dag_id: string;
  run_type: string;
  state: RunState;
  logical_date?: Time;
  run_after?: Time;
  queued_at?: Time;
  start_date?: Time;
  end_date?: Time;
  data_interval_start?: Time;
  data_interval_end?: Time;
  partition_key?: string | null;
  conf?: Record<string, unknown> | null;
  note?: string | null;
  triggered_by?: string | null;
  triggering_user_name?: string | null;
  missed_deadlines?: number;
  // How often it has been tried again by itself, of at most so many; when it will be.
  retries?: number;
  max_retries?: number;
  retry_at?: Time;
  triggering_task?: {dag_id: string; dag_run_id: string; task_id: string; map_index: number} | null;
  dag_versions?: {version_number: number}[];
}

// A day in the time zone that was asked for.
export interface CalendarDay {
  date: string;
  states: Partial<Record<RunState, number>>;
  // By the schedule, from now on.
  planned: number;
}

export interface Calendar {
  days: CalendarDay[];
  is_paused: boolean;
  // False: more are planned than are counted.
  all_planned: boolean;
}

export interface CheckOutcome {
  check: string;
  type: string;
  severity: 'error' | 'warn';
  passed: boolean;
  value: number;
  failing_rows: number;
  rows: number;
  message: string;
}

export interface CheckHistory {
  // The newest first.
  runs: {dag_run_id: string; state: RunState; logical_date: Time; run_after: string}[];
  results: {
    dag_run_id: string;
    task_id: string;
    map_index: number;
    state: TaskState;
    end_date: Time;
    checks: CheckOutcome[];
  }[];
}

export interface Task {
  task_id: string;
  task_display_name?: string;
  operator_name?: string | null;
  downstream_task_ids: string[];
  trigger_rule?: string;
  retries?: number;
  pool?: string;
  doc_md?: string | null;
  is_mapped?: boolean;
  is_paused?: boolean;
}

// What /millrace/v1 tells of a DAG for whoever draws it.
export interface Graph {
  tasks: {
    task_id: string;
    operator_name: string;
    group: string | null;
    trigger_rule: string;
    role: 'setup' | 'teardown' | 'work';
    is_mapped: boolean;
  }[];
  groups: {id: string; parent: string | null; tooltip: string | null; is_mapped: boolean}[];
  edges: {from: string; to: string; label: string | null}[];
}

// Which task instance is meant; `map` is -1 of a task that is not mapped.
export interface InstanceKey {
  dag: string;
  run: string;
  task: string;
  map: number;
}

export interface XComEntry {
  key: string;
  timestamp: string;
  map_index: number;
  value?: unknown;
}

// What a task instance keeps for its retries, or a dataset for its tasks.
export interface StateEntry {
  key: string;
  value: unknown;
  updated_at: string;
  expires_at?: string | null; // of a task instance: never when it is null
  last_updated_by?: {kind: 'task' | 'api'; dag_id: string | null; task_id: string | null};
}

export interface TaskInstance {
  task_id: string;
  dag_id: string;
  dag_run_id: string;
  map_index: number;
  state: TaskState | null;
  try_number: number;
  max_tries: number;
  start_date?: Time;
  end_date?: Time;
  queued_when?: Time;
  scheduled_when?: Time;
  duration?: number | null;
  hostname?: string | null;
  operator?: string | null;
  operator_name?: string | null;
  pool?: string;
  pool_slots?: number;
  priority_weight?: number | null;
  note?: string | null;
  rendered_fields?: Record<string, unknown> | null;
}

export interface GridCell {
  dag_run_id: string;
  task_id: string;
  state: TaskState | null;
  try_number: number;
  // When it, or the first of its instances, was queued last.
  queued_date?: Time;
  start_date?: Time;
  end_date?: Time;
  // Of a mapped task: how many instances it has, and how many are in which state. `state` is then what they amount to.
  instances?: number;
  states?: StateCounts;
}

export type StateCounts = Partial<Record<TaskState, number>>;

export interface Grid {
  runs: DagRun[];
  task_instances: GridCell[];
}

export interface Problem {
  file: string;
  line: number | null;
  column: number | null;
  message: string;
  suggestion: string | null;
}

export interface ImportError {
  import_error_id: number;
  filename: string;
  timestamp?: Time;
  stack_trace: string;
  line?: number | null;
  column?: number | null;
  message?: string | null;
  suggestion?: string | null;
  problems?: Partial<Problem>[];
}

export interface Why {
  state: TaskState | null;
  reasons: {kind: string; message: string}[];
}

export interface LogChunk {
  content: (string | {timestamp?: string | null; event?: string; level?: string})[];
  continuation_token?: string | null;
}

export interface Worker {
  worker_id: string;
  name: string;
  state: 'online' | 'draining' | 'lost';
  slots: number;
  slots_used: number;
  hostname?: string;
  attempts?: number;
  labels?: string[];
  version?: string;
  engine_version?: string;
  pid?: number;
  joined_at?: Time;
  last_heartbeat?: Time;
}

interface PartCounts {
  runs: StateCounts;
  task_instances: StateCounts;
}

// What ended in each part of a time, and what goes on now.
export interface Activity {
  from: string;
  to: string;
  parts: (PartCounts & {from: string})[];
  now: PartCounts;
  all_counted: boolean;
}

export interface TimelineInstance {
  dag_id: string;
  dag_run_id: string;
  task_id: string;
  map_index: number;
  state: TaskState;
  try_number: number;
  pool: string;
  pool_slots: number;
  worker: string | null;
  queued_date: Time;
  start_date: Time;
  end_date: Time;
}

export interface Timeline {
  from: string;
  to: string;
  task_instances: TimelineInstance[];
  all_listed: boolean;
}

export type Reprocess = 'none' | 'failed' | 'completed';

export interface Backfill {
  id: number;
  dag_id: string;
  from_date: string;
  to_date: string;
  dag_run_conf: Record<string, unknown> | null;
  is_paused: boolean;
  reprocess_behavior: Reprocess;
  max_active_runs: number;
  created_at: string;
  completed_at: Time;
  state: 'running' | 'paused' | 'completed' | 'cancelled';
  run_backwards: boolean;
  user: string;
  // The backfill that goes first, of those that were made together.
  after: number | null;
  dates: number;
  dates_run: number;
  dates_left_alone: number;
  dates_left: number;
  runs: Record<RunState, number>;
}

export interface Pool {
  name: string;
  // -1: no limit.
  slots: number;
  description: string | null;
  occupied_slots: number;
  running_slots: number;
  queued_slots: number;
  scheduled_slots: number;
  open_slots: number;
  team_name?: string | null;
}

interface AssetUse {
  dag_id: string;
  task_id?: string;
}

export interface Asset {
  id: number;
  name: string;
  uri: string;
  group: string;
  extra: Record<string, unknown>;
  scheduled_dags: AssetUse[];
  producing_tasks: AssetUse[];
  consuming_tasks: AssetUse[];
  aliases: {id: number; name: string; group: string}[];
  watchers: AssetWatch[];
  last_asset_event: {id: number; timestamp: string} | null;
}

// A look at something outside, from time to time: when it has changed, the asset is updated.
export interface AssetWatch {
  name: string;
  trigger_id: number;
  dag_id: string;
  kind: string;
  changed_at: string | null;
  failure: string | null;
}

export interface AssetEvent {
  id: number;
  asset_id: number;
  name: string;
  extra: Record<string, unknown>;
  source_dag_id: string | null;
  source_task_id: string | null;
  source_run_id: string | null;
  source_map_index: number;
  partition_key: string | null;
  created_dagruns: {run_id: string; dag_id: string; state: RunState}[];
  timestamp: string;
}

// What Airflow calls a human-in-the-loop detail.
export interface Approval {
  subject: string;
  body: string | null;
  options: string[];
  defaults: string[] | null;
  multiple: boolean;
  params: Record<string, unknown>;
  assigned_users: {id: string; name: string}[];
  created_at: string;
  timeout_at?: Time;
  response_received: boolean;
  responded_at: Time;
  responded_by_user: {id: string; name: string} | null;
  chosen_options: string[] | null;
  params_input: Record<string, unknown>;
  task_instance?: (TaskInstance & {id: string}) | null;
}

export interface DagVersion {
  version_number: number;
  bundle_version?: string | null;
  created_at: string;
}

// What /millrace/v1/events sends; task_id is null when the run itself changed.
export interface Transition {
  dag_id: string;
  dag_run_id: string;
  task_id: string | null;
  // -1 of a task that is not mapped.
  map_index?: number | null;
  state: TaskState | null;
  try_number: number | null;
  at: string;
}

export interface Variable {
  key: string;
  value: string | null;
  description: string | null;
  team_name?: string | null;
}

export interface Connection {
  connection_id: string;
  conn_type: string;
  description: string | null;
  host: string | null;
  port: number | null;
  schema: string | null;
  login: string | null;
  password: string | null;
  extra: string | null;
  team_name?: string | null;
}

export interface AuditEntry {
  event_log_id: number;
  when: string;
  event: string;
  owner: string | null;
  object?: string;
  extra: string | null;
  dag_id: string | null;
  run_id: string | null;
  task_id: string | null;
}

export type Right = 'read' | 'write' | 'operate' | 'administer';

export interface Me {
  user: string;
  role: string;
  can: Record<Right, boolean>;
}
