// What ran when, over all DAGs: task instances in groups, those of a group in lanes so that none covers another.
import {formatTime, type Zone} from './time';
import type {TimelineInstance} from '../api/types';

export type Grouping = 'dag' | 'pool' | 'worker';

// Milliseconds since the epoch, within the window.
export interface Stay {
  instance: TimelineInstance;
  // When it began to wait for a slot; null where that was before the window, or at once.
  queued: number | null;
  // null: it waits.
  start: number | null;
  end: number;
  lane: number;
}

export interface Lanes {
  name: string;
  lanes: Stay[][];
  // The most slots that were held at a time.
  peak: number;
}

const time = (text: string | null) => (text === null ? null : Date.parse(text));

function stayOf(instance: TimelineInstance, from: number, to: number): Stay {
  const within = (at: number) => Math.max(from, Math.min(to, at));
  const [queued, start, end] = [time(instance.queued_date), time(instance.start_date), time(instance.end_date)];
  const waits = queued !== null && (start === null || start > queued) && (start ?? to) > from;
  return {
    instance,
    queued: waits ? within(queued) : null,
    start: start === null ? null : within(start),
    end: within(end ?? to),
    lane: 0,
  };
}

// Where something waits it holds no slot, and no worker has it.
function nameOf(stay: Stay, grouping: Grouping): string {
  const {dag_id, pool, worker} = stay.instance;
  if (grouping === 'dag') return dag_id;
  return grouping === 'pool' ? pool : (worker ?? '');
}

const beginOf = (stay: Stay) => stay.queued ?? stay.start ?? stay.end;

export function lanesOf(instances: readonly TimelineInstance[], grouping: Grouping, from: number, to: number): Lanes[] {
  const groups = new Map<string, Stay[]>();
  for (const instance of instances) {
    const stay = stayOf(instance, from, to);
    const name = nameOf(stay, grouping);
    // Of a worker only what it was given.
    if (name === '' && grouping === 'worker') continue;
    const group = groups.get(name);
    if (group) group.push(stay);
    else groups.set(name, [stay]);
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, stays]) => ({name, lanes: pack(stays), peak: peakOf(stays)}));
}

// Each in the first lane that is free when it begins.
function pack(stays: Stay[]): Stay[][] {
  const lanes: Stay[][] = [];
  const free: number[] = [];
  for (const stay of stays.sort((a, b) => beginOf(a) - beginOf(b))) {
    let lane = free.findIndex((until) => until <= beginOf(stay));
    if (lane < 0) lane = lanes.push([]) - 1;
    stay.lane = lane;
    lanes[lane]?.push(stay);
    free[lane] = stay.end;
  }
  return lanes;
}

function peakOf(stays: readonly Stay[]): number {
  const steps = stays.flatMap(({instance, start, end}) =>
    start === null || instance.state === 'deferred'
      ? []
      : [
          {at: start, by: instance.pool_slots},
          {at: end, by: -instance.pool_slots},
        ],
  );
  // What ends makes room for what begins at the same time.
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  let held = 0;
  return steps.reduce((most, {by}) => Math.max(most, (held += by)), 0);
}

const kMinute = 60_000;
const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * kMinute);

// Round times of the clock within the window, about as many as wanted.
export function clockTicks(from: number, to: number, wanted: number, zone: Zone): {at: number; text: string}[] {
  const least = (to - from) / Math.max(1, wanted);
  const step = kSteps.find((one) => one >= least) ?? 1440 * kMinute;
  const offset = zone === 'local' ? new Date(from).getTimezoneOffset() * kMinute : 0;
  const ticks = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) {
    const text = formatTime(new Date(at).toISOString(), zone, 'minutes');
    // Midnight is told by its day.
    ticks.push({at, text: text.endsWith('00:00') ? text.slice(5, 10) : text.slice(11)});
  }
  return ticks;
}
