// What a gantt draws: when something waited for its slot and when it was at work, as shares of the run's own time.
import type {GridCell, TaskInstance} from '../api/types';

type Timed = Pick<GridCell, 'state' | 'start_date' | 'end_date' | 'queued_date'>;

export interface Bar {
  // Milliseconds since the epoch; null where it has not come to that.
  queued: number | null;
  start: number | null;
  // Now, while it goes on.
  end: number | null;
  going: boolean;
}

const time = (text: string | null | undefined) => (text ? Date.parse(text) : null);
const kWaits = ['queued', 'scheduled'];

export function barOf(cell: Timed | undefined, now: number): Bar {
  const start = time(cell?.start_date);
  const given = time(cell?.queued_date);
  // Of a mapped task the first instance may have been queued again after others began.
  const queued = given !== null && (start === null || given < start) ? given : null;
  const waits = start === null && kWaits.includes(cell?.state ?? '');
  const going = waits ? queued !== null : start !== null && !cell?.end_date;
  const ended = time(cell?.end_date);
  const end = start !== null ? (ended ?? now) : waits && queued !== null ? now : null;
  return {queued: start === null && !waits ? null : queued, start, end, going};
}

export function cellOf(instance: TaskInstance): GridCell {
  const {dag_run_id, task_id, state, try_number, start_date, end_date, queued_when} = instance;
  return {
    dag_run_id,
    task_id,
    state,
    try_number,
    start_date: start_date ?? null,
    end_date: end_date ?? null,
    queued_date: queued_when ?? null,
  };
}

export interface Span {
  begin: number;
  length: number;
}

export function spanOf(bars: readonly Bar[]): Span {
  let begin = Infinity;
  let finish = -Infinity;
  for (const {queued, start, end} of bars) {
    const first = queued ?? start;
    if (first !== null) begin = Math.min(begin, first);
    if (end !== null) finish = Math.max(finish, end);
  }
  return begin === Infinity ? {begin: 0, length: 1} : {begin, length: Math.max(1, finish - begin)};
}

const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

// Round times for the axis, in seconds, about as many as wanted.
export function ticksOf(seconds: number, wanted: number): number[] {
  let step = seconds / Math.max(1, wanted);
  const scale = step < 1 ? 10 ** Math.floor(Math.log10(step)) : 1;
  const steps = step < 1 ? [1, 2, 5, 10].map((one) => one * scale) : kSteps;
  step = steps.find((one) => one >= step) ?? Math.ceil(step / 86400) * 86400;
  return Array.from({length: Math.floor(seconds / step + 1e-9) + 1}, (_, i) => Number((i * step).toPrecision(12)));
}

// An axis from nothing to the first round time that is not below the most.
export function axisOf(most: number, wanted: number): {top: number; ticks: number[]} {
  const length = Math.max(most, 0.01);
  const ticks = ticksOf(length, wanted);
  const step = ticks[1] ?? length;
  const last = ticks.at(-1) ?? 0;
  if (last < length) ticks.push(Number((last + step).toPrecision(12)));
  return {top: ticks.at(-1) ?? length, ticks};
}
