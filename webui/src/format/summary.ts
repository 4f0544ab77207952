// What many task instances amount to (those of a mapped task, the tasks of a group): one state, and how many are in which.
import type {GridCell, StateCounts, TaskState, Time} from '../api/types';

// Airflow's order: the first that occurs is the state of all together.
const kWorstFirst: readonly TaskState[] = [
  'failed',
  'upstream_failed',
  'up_for_retry',
  'up_for_reschedule',
  'queued',
  'scheduled',
  'deferred',
  'running',
  'restarting',
  'none',
  'success',
  'skipped',
  'removed',
];

// The order in which shares of a bar are drawn, so that the same mix always looks the same.
const kBarOrder: readonly TaskState[] = [
  'failed',
  'upstream_failed',
  'up_for_retry',
  'up_for_reschedule',
  'restarting',
  'running',
  'deferred',
  'queued',
  'scheduled',
  'none',
  'success',
  'skipped',
  'removed',
];

const kEnded: readonly TaskState[] = ['success', 'failed', 'skipped', 'upstream_failed', 'removed'];

export function overallState(counts: StateCounts): TaskState | null {
  const state = kWorstFirst.find((one) => (counts[one] ?? 0) > 0);
  return state === undefined || state === 'none' ? null : state;
}

export function totalOf(counts: StateCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export function endedOf(counts: StateCounts): number {
  return kEnded.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

export interface Share {
  state: TaskState;
  count: number;
  // From 0 to 1, where it begins and ends. Rare states are drawn wider than they are: one of a thousand must be seen.
  from: number;
  to: number;
}

const kLeast = 0.12;

export function sharesOf(counts: StateCounts): Share[] {
  const present = kBarOrder.flatMap((state) => ((counts[state] ?? 0) > 0 ? [{state, count: counts[state] ?? 0}] : []));
  const total = totalOf(counts);
  const weights = present.map(({count}) => Math.max(count / total, kLeast));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let at = 0;
  return present.map(({state, count}, i) => {
    const from = at;
    at += (weights[i] as number) / whole;
    return {state, count, from, to: at};
  });
}

export function addCounts(into: StateCounts, more: StateCounts): void {
  for (const [state, count] of Object.entries(more) as [TaskState, number][]) into[state] = (into[state] ?? 0) + count;
}

// The tasks of a group in one run as one cell. Tasks that have no cell yet count as not started, unless none has one.
export function summarise(run: string, id: string, cells: readonly (GridCell | undefined)[]): GridCell | undefined {
  const counts: StateCounts = {};
  let queued: Time = null;
  let start: Time = null;
  let end: Time = null;
  let known = 0;
  let open = false;
  for (const cell of cells) {
    if (cell) known++;
    addCounts(counts, cell?.states ?? {[cell?.state ?? 'none']: 1});
    if (cell?.queued_date && (queued === null || cell.queued_date < queued)) queued = cell.queued_date;
    if (cell?.start_date && (start === null || cell.start_date < start)) start = cell.start_date;
    if (cell?.end_date && (end === null || cell.end_date > end)) end = cell.end_date;
    if (!cell || (cell.start_date && !cell.end_date) || !kEnded.includes(cell.state ?? 'none')) open = true;
  }
  if (known === 0) return undefined;
  return {
    dag_run_id: run,
    task_id: id,
    state: overallState(counts),
    try_number: 0,
    queued_date: queued,
    start_date: start,
    end_date: open ? null : end,
    instances: totalOf(counts),
    states: counts,
  };
}

// "2 failed, 10 success": for tooltips and screen readers.
export function describeCounts(counts: StateCounts, label: (state: TaskState) => string): string {
  return sharesOf(counts)
    .map(({state, count}) => `${count} ${label(state)}`)
    .join(', ');
}
