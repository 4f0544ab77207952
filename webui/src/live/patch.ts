// Shows transitions in what the pages already hold, before any refresh: pure functions from old data to new data.
import type {DagRun, Grid, GridCell, RunState, TaskInstance, Transition} from '../api/types';

const kRunStates: readonly string[] = ['queued', 'running', 'success', 'failed'];
const kEndStates: readonly string[] = ['success', 'failed', 'skipped', 'upstream_failed', 'removed'];

export function patchRun(run: DagRun, change: Transition): DagRun {
  if (change.task_id !== null || change.dag_run_id !== run.dag_run_id || !kRunStates.includes(change.state ?? '')) return run;
  const state = change.state as RunState;
  const ended = state === 'success' || state === 'failed';
  return {
    ...run,
    state,
    start_date: state === 'running' ? (run.start_date ?? change.at) : (run.start_date ?? null),
    end_date: ended ? change.at : null,
  };
}

export function patchTimes<T extends GridCell | TaskInstance>(cell: T, change: Transition): T {
  const ended = kEndStates.includes(change.state ?? '') || change.state === 'up_for_retry';
  return {
    ...cell,
    state: change.state,
    try_number: change.try_number ?? cell.try_number,
    start_date: change.state === 'running' ? change.at : ended ? (cell.start_date ?? null) : null,
    end_date: ended ? change.at : null,
  };
}

export function patchGrid(grid: Grid, changes: Transition[]): Grid {
  const known = new Set(grid.runs.map((run) => run.dag_run_id));
  const relevant = changes.filter((change) => known.has(change.dag_run_id));
  if (relevant.length === 0) return grid;
  const runs = grid.runs.map((run) => relevant.reduce(patchRun, run));
  const latest = new Map<string, Transition>();
  for (const change of relevant) {
    if (change.task_id !== null) latest.set(cellKey(change.dag_run_id, change.task_id), change);
  }
  const cells = grid.task_instances.map((cell) => {
    const key = cellKey(cell.dag_run_id, cell.task_id);
    const change = latest.get(key);
    if (!change) return cell;
    latest.delete(key);
    return patchTimes(cell, change);
  });
  for (const change of latest.values()) {
    if (change.task_id === null) continue;
    const empty = {dag_run_id: change.dag_run_id, task_id: change.task_id, state: null, try_number: 0};
    cells.push(patchTimes<GridCell>(empty, change));
  }
  return {runs, task_instances: cells};
}

export function cellKey(run: string, task: string): string {
  return `${run}\n${task}`;
}
