// What all DAGs did over the last hours, as bars that can be drawn.
import type {Activity, StateCounts} from '../api/types';
import {addCounts, totalOf} from './summary';

export interface Bar {
  from: string;
  to: string;
  counts: StateCounts;
  // Of the highest, from 0 to 1.
  height: number;
}

export interface Bars {
  bars: Bar[];
  most: number;
  sum: StateCounts;
}

export function barsOf(activity: Activity, what: 'runs' | 'task_instances'): Bars {
  const counts = activity.parts.map((part) => part[what]);
  const most = counts.reduce((high, one) => Math.max(high, totalOf(one)), 0);
  const sum: StateCounts = {};
  counts.forEach((one) => addCounts(sum, one));
  return {
    bars: activity.parts.map(({from}, i) => ({
      from,
      to: activity.parts[i + 1]?.from ?? activity.to,
      counts: counts[i] ?? {},
      height: most > 0 ? totalOf(counts[i] ?? {}) / most : 0,
    })),
    most,
    sum,
  };
}
