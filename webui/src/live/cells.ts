// Finds a task instance in a grid by run and task. The places are indexed once a fetched list and shared with the lists that
// patches make of it, because a grid of 1,000 tasks and 25 runs changes several times a second and is too large to index anew.
import type {GridCell, StateCounts, TaskState} from '../api/types';

const indexes = new WeakMap<readonly GridCell[], Map<string, number>>();

export function cellKey(run: string, task: string): string {
  return `${run}\n${task}`;
}

function indexOf(list: readonly GridCell[]): Map<string, number> {
  let index = indexes.get(list);
  if (!index) {
    index = new Map(list.map((cell, i) => [cellKey(cell.dag_run_id, cell.task_id), i]));
    indexes.set(list, index);
  }
  return index;
}

export class Cells {
  constructor(private readonly list: readonly GridCell[]) {}

  get(run: string, task: string): GridCell | undefined {
    const place = indexOf(this.list).get(cellKey(run, task));
    const cell = place === undefined ? undefined : this.list[place];
    return cell?.task_id === task && cell.dag_run_id === run ? cell : undefined;
  }

  states(): Set<string> {
    return new Set(this.list.map((cell) => cell.state ?? 'none'));
  }
}

// The list with some cells replaced or added; the old list stays as it is.
export function withCells(list: readonly GridCell[], changed: Iterable<GridCell>): GridCell[] {
  const index = indexOf(list);
  const next = list.slice();
  for (const cell of changed) {
    const key = cellKey(cell.dag_run_id, cell.task_id);
    const place = index.get(key);
    const present = place === undefined ? undefined : next[place];
    if (place !== undefined && present?.task_id === cell.task_id && present.dag_run_id === cell.dag_run_id) {
      next[place] = cell;
    } else {
      index.set(key, next.length);
      next.push(cell);
    }
  }
  indexes.set(next, index);
  return next;
}

// Whether two cells look the same; a fetched grid has new objects for all of them.
export function sameCell(one: GridCell | undefined, other: GridCell | undefined): boolean {
  return (
    one === other ||
    (one?.state === other?.state &&
      one?.start_date === other?.start_date &&
      one?.end_date === other?.end_date &&
      one?.try_number === other?.try_number &&
      sameCounts(one?.states, other?.states))
  );
}

function sameCounts(one: StateCounts | undefined, other: StateCounts | undefined): boolean {
  if (one === other) return true;
  const states = Object.keys({...one, ...other}) as TaskState[];
  return states.every((state) => one?.[state] === other?.[state]);
}
