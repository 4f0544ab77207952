// How long a DAG's runs and tasks took, and how long after they were due they were done: a series each, with a value a run.
import type {DagRun, GridCell, RunState, TaskState} from '../api/types';

export type Measure = 'duration' | 'landing';

// The run as a whole, beside ids of tasks.
export const kWholeRun = '~';

export interface Series {
  id: string;
  // A value a run, in seconds; null where it has not run, or not to its end.
  values: (number | null)[];
  states: (RunState | TaskState | null)[];
  median: number | null;
  longest: number | null;
  newest: number | null;
}

type Times = Pick<DagRun, 'run_after' | 'logical_date' | 'queued_at'>;
const timeOf = (run: Times) => Date.parse(run.run_after ?? run.logical_date ?? run.queued_at ?? '');

// From the oldest to the newest, as time runs.
export function inTime<T extends Times>(runs: readonly T[]): T[] {
  return [...runs].sort((a, b) => timeOf(a) - timeOf(b));
}

// When somebody could expect the run: a scheduled one at the end of its interval, another one when it was asked for.
export function dueOf(run: DagRun): string | null {
  if (run.run_type === 'scheduled') return run.data_interval_end ?? run.run_after ?? null;
  return run.queued_at ?? run.run_after ?? null;
}

export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

type Timed = Pick<GridCell, 'start_date' | 'end_date'>;

function seconds(from: string | null | undefined, to: string | null | undefined): number | null {
  if (!from || !to) return null;
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}

function measured(run: DagRun, timed: Timed | undefined, measure: Measure): number | null {
  // What did not begin has no length, whatever its end.
  if (!timed?.start_date) return null;
  return seconds(measure === 'duration' ? timed.start_date : dueOf(run), timed.end_date);
}

function seriesOf(id: string, values: (number | null)[], states: Series['states']): Series {
  const known = values.filter((value) => value !== null);
  return {
    id,
    values,
    states,
    median: medianOf(known),
    longest: known.length > 0 ? known.reduce((most, value) => Math.max(most, value), 0) : null,
    newest: known.at(-1) ?? null,
  };
}

// The whole run first, then the tasks, those with the longest medians first.
export function allSeries(
  runs: readonly DagRun[],
  tasks: readonly string[],
  cellOf: (run: string, task: string) => GridCell | undefined,
  measure: Measure,
): Series[] {
  const whole = seriesOf(
    kWholeRun,
    runs.map((run) => measured(run, run as Timed, measure)),
    runs.map((run) => run.state),
  );
  const ofTasks = tasks.map((task) => {
    const cells = runs.map((run) => cellOf(run.dag_run_id, task));
    return seriesOf(
      task,
      runs.map((run, i) => measured(run, cells[i], measure)),
      cells.map((cell) => cell?.state ?? null),
    );
  });
  return [whole, ...ofTasks.sort((a, b) => (b.median ?? -1) - (a.median ?? -1))];
}

// Parts of a line: it is interrupted where a run has no value. Places of the runs within `values`.
export function stretches(values: readonly (number | null)[]): number[][] {
  const parts: number[][] = [];
  values.forEach((value, i) => {
    if (value === null) return;
    const last = parts.at(-1);
    if (last && last.at(-1) === i - 1) last.push(i);
    else parts.push([i]);
  });
  return parts;
}
