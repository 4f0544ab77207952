// Shows transitions in what the pages already hold, before any refresh: pure functions from old data to new data.
import {cellKey, Cells, withCells} from './cells';
import type {DagRun, Grid, GridCell, RunState, TaskInstance, Transition} from '../api/types';

const kRunStates: readonly string[] = ['queued', 'running', 'success', 'failed'];
const kEndStates: readonly string[] = ['success', 'failed', 'skipped', 'upstream_failed', 'removed'];

export function patchRun(run: DagRun, change: Transition): DagRun {
  if (change.task_id !== null || change.dag_run_id !== run.dag_run_id || !kRunStates.includes(change.state ?? ''))
    return run;
  const state = change.state as RunState;
  if (state === run.state) return run;
  const ended = state === 'success' || state === 'failed';
  return {
    ...run,
    state,
    start_date: state === 'running' ? (run.start_date ?? change.at) : (run.start_date ?? null),
    end_date: ended ? change.at : null,
  };
}

export function patchTimes<T extends GridCell | TaskInstance>(cell: T, change: Transition): T {
  // What the server said is more exact than what can be told from the transition.
  if (cell.state === change.state && cell.try_number === change.try_number) return cell;
  const ended = kEndStates.includes(change.state ?? '') || change.state === 'up_for_retry';
  return {
    ...cell,
    state: change.state,
    try_number: change.try_number ?? cell.try_number,
    ...(change.state === 'queued' ? {queued_date: change.at} : {}),
    start_date: change.state === 'running' ? change.at : ended ? (cell.start_date ?? null) : null,
    end_date: ended ? change.at : null,
  };
}

// The instance of a list (a mapped task's) that changed.
export function patchInstances(list: TaskInstance[], changes: Transition[]): TaskInstance[] {
  const byIndex = new Map(changes.map((change) => [change.map_index ?? -1, change]));
  return list.map((one) => {
    const change = byIndex.get(one.map_index);
    return change ? patchTimes(one, change) : one;
  });
}

// One of many instances says little about what they amount to: only that the task is at work. The counts come with the next
// look at the grid.
function patchMapped(cell: GridCell, change: Transition): GridCell {
  const waits = cell.state === null || cell.state === 'none' || cell.state === 'scheduled' || cell.state === 'queued';
  return waits && change.state === 'running'
    ? {...cell, state: 'running', start_date: cell.start_date ?? change.at}
    : cell;
}

export function patchGrid(grid: Grid, changes: Transition[]): Grid {
  const known = new Set(grid.runs.map((run) => run.dag_run_id));
  const relevant = changes.filter((change) => known.has(change.dag_run_id));
  if (relevant.length === 0) return grid;
  const runs = grid.runs.map((run) => relevant.reduce(patchRun, run));
  const cells = new Cells(grid.task_instances);
  const changed = new Map<string, GridCell>();
  for (const change of relevant) {
    const {dag_run_id, task_id} = change;
    if (task_id === null) continue;
    const key = cellKey(dag_run_id, task_id);
    const present = changed.get(key) ??
      cells.get(dag_run_id, task_id) ?? {dag_run_id, task_id, state: null, try_number: 0};
    const many = present.states !== undefined || (change.map_index ?? -1) >= 0;
    changed.set(key, many ? patchMapped(present, change) : patchTimes(present, change));
  }
  return {runs, task_instances: withCells(grid.task_instances, changed.values())};
}
