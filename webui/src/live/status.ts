// Whether live events arrive. Every page reads it: while they do, nothing polls in a hurry.
import {useSyncExternalStore} from 'react';

export type LiveStatus = 'connecting' | 'live' | 'polling';

let status: LiveStatus = 'connecting';
const listeners = new Set<() => void>();

export function setLiveStatus(next: LiveStatus): void {
  if (next === status) return;
  status = next;
  listeners.forEach((tell) => tell());
}

export function useLiveStatus(): LiveStatus {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => status,
  );
}

// With live events a query is only refreshed now and then, in case one was lost; without them it polls.
export function pollInterval(live: LiveStatus, fast: number): number {
  return live === 'live' ? 20000 : fast;
}
