// How far a backfill is, as the parts of a bar: what its dates have become.
import type {Backfill} from '../api/types';

export interface Part {
  kind: 'success' | 'failed' | 'running' | 'queued' | 'skipped' | 'none';
  count: number;
  text: string;
}

// In the order in which dates pass through: done first. Dates without a run yet are last.
export function backfillParts(backfill: Backfill): Part[] {
  const {runs} = backfill;
  const counted = runs.success + runs.failed + runs.running + runs.queued;
  const parts: Part[] = [
    {kind: 'success', count: runs.success, text: 'succeeded'},
    {kind: 'failed', count: runs.failed, text: 'failed'},
    {kind: 'running', count: runs.running, text: 'running'},
    {kind: 'queued', count: runs.queued, text: 'queued'},
    {kind: 'skipped', count: backfill.dates_left_alone, text: 'left alone'},
    {kind: 'none', count: Math.max(0, backfill.dates - counted - backfill.dates_left_alone), text: 'not begun'},
  ];
  return parts.filter(({count}) => count > 0);
}

export function doneOf(backfill: Backfill): number {
  return backfill.runs.success + backfill.runs.failed + backfill.dates_left_alone;
}

export function isOver(backfill: Backfill): boolean {
  return backfill.state === 'completed' || backfill.state === 'cancelled';
}

// "2001-03-01 … 2001-03-31": a list of dates, short where it is long.
export function datesText(dates: readonly string[], format: (date: string) => string, most = 5): string {
  if (dates.length <= most) return dates.map(format).join(', ');
  const head = dates
    .slice(0, most - 2)
    .map(format)
    .join(', ');
  return `${head} … ${format(dates.at(-1) as string)}`;
}

// Midnights are shown as days: most ranges are of days.
export function datesDetail(dates: readonly string[]): 'date' | 'minutes' {
  return dates.every((date) => /T00:00:00(\.0+)?(Z|\+00:00)$/.test(date)) ? 'date' : 'minutes';
}
