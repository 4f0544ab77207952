// A calendar of days as a grid: months, weeks that begin on Monday, and what the runs of a day amount to. Dates are texts
// ("2001-03-01"): which day a run belongs to is the scheduler's to say.
import type {CalendarDay, RunState} from '../api/types';

// Worst first: the first that occurs is the state of the day.
const kOrder: readonly RunState[] = ['failed', 'running', 'queued', 'success'];

const two = (value: number) => String(value).padStart(2, '0');
const utc = (date: string) => Date.parse(`${date}T00:00:00Z`);
const kDay = 86_400_000;

export function dateText(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

export function addDays(date: string, days: number): string {
  return dateText(utc(date) + days * kDay);
}

// Of the same day, or of the last one of a shorter month.
export function addMonths(date: string, months: number): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return `${dateText(first.getTime()).slice(0, 8)}${two(Math.min(day, last))}`;
}

export interface Month {
  // "2001-03"
  month: string;
  // Weeks of seven days, Monday first; null is a day of another month.
  weeks: (string | null)[][];
}

export function monthOf(month: string): Month {
  const first = `${month}-01`;
  const before = (new Date(utc(first)).getUTCDay() + 6) % 7;
  const days: (string | null)[] = Array.from({length: before}, () => null);
  for (let day = first; day.startsWith(month); day = addDays(day, 1)) days.push(day);
  while (days.length % 7 !== 0) days.push(null);
  return {month, weeks: Array.from({length: days.length / 7}, (_, i) => days.slice(i * 7, i * 7 + 7))};
}

export function monthsOf(year: number): Month[] {
  return Array.from({length: 12}, (_, i) => monthOf(`${year}-${two(i + 1)}`));
}

export function dayState(day: CalendarDay | undefined): RunState | 'planned' | null {
  const state = kOrder.find((one) => (day?.states[one] ?? 0) > 0);
  return state ?? ((day?.planned ?? 0) > 0 ? 'planned' : null);
}

export function runsOf(day: CalendarDay | undefined): number {
  return Object.values(day?.states ?? {}).reduce((sum, count) => sum + count, 0);
}

// "2 failed, 10 success, 3 planned"
export function dayText(day: CalendarDay | undefined): string {
  const parts = kOrder.flatMap((state) => ((day?.states[state] ?? 0) > 0 ? [`${day?.states[state]} ${state}`] : []));
  if (day && day.planned > 0) parts.push(`${day.planned} planned`);
  return parts.length > 0 ? parts.join(', ') : 'no run';
}

const kMonths = 'January February March April May June July August September October November December'.split(' ');

export function monthName(month: string): string {
  return kMonths[Number(month.slice(5, 7)) - 1] ?? month;
}
