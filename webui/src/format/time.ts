// Times as text, in UTC or in the browser's zone, whichever the user chose.
import {useSyncExternalStore} from 'react';

export type Zone = 'UTC' | 'local';

const kKey = 'millrace.zone';
let zone: Zone = typeof localStorage !== 'undefined' && localStorage.getItem(kKey) === 'local' ? 'local' : 'UTC';
const listeners = new Set<() => void>();

export function setZone(next: Zone): void {
  zone = next;
  localStorage.setItem(kKey, next);
  listeners.forEach((tell) => tell());
}

export function useZone(): Zone {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => zone,
  );
}

const two = (value: number) => String(value).padStart(2, '0');

export type Detail = 'date' | 'minutes' | 'seconds' | 'milliseconds';

export function formatTime(time: string | null | undefined, inZone: Zone, detail: Detail = 'seconds'): string {
  if (!time) return '–';
  const value = new Date(time);
  if (Number.isNaN(value.getTime())) return time;
  const local = inZone === 'local';
  const year = local ? value.getFullYear() : value.getUTCFullYear();
  const month = (local ? value.getMonth() : value.getUTCMonth()) + 1;
  const day = local ? value.getDate() : value.getUTCDate();
  const hour = local ? value.getHours() : value.getUTCHours();
  const minute = local ? value.getMinutes() : value.getUTCMinutes();
  const second = local ? value.getSeconds() : value.getUTCSeconds();
  let text = `${year}-${two(month)}-${two(day)}`;
  if (detail === 'date') return text;
  text += ` ${two(hour)}:${two(minute)}`;
  if (detail === 'minutes') return text;
  text += `:${two(second)}`;
  if (detail === 'milliseconds') text += `.${String(value.getUTCMilliseconds()).padStart(3, '0')}`;
  return text;
}

// The day of a time.
export function dayOf(time: number, inZone: Zone): string {
  return formatTime(new Date(time).toISOString(), inZone, 'date');
}

// When a day begins.
export function dayStart(date: string, inZone: Zone): string {
  return new Date(inZone === 'local' ? `${date}T00:00:00` : `${date}T00:00:00Z`).toISOString();
}

// As the scheduler knows the zone: "Europe/Berlin".
export function zoneName(inZone: Zone): string {
  return inZone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
}

// The clock part only, for log lines.
export function formatClock(time: string, inZone: Zone): string {
  const text = formatTime(time, inZone, 'milliseconds');
  return text.length > 11 ? text.slice(11) : text;
}

// A logical date as people type it: a date, or a date and a time, in UTC unless it names an offset. Null when it is neither.
export function parseTypedTime(text: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2})(:\d{2}(?:\.\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
    text.trim(),
  );
  if (!match) return null;
  const [, date, minutes = '00:00', seconds = ':00', offset = 'Z'] = match;
  const colon = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  const value = new Date(`${date}T${minutes.padStart(5, '0')}${seconds}${colon}`);
  // "2001-02-30" must not become the 2nd of March.
  if (Number.isNaN(value.getTime()) || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return null;
  return value.toISOString();
}
