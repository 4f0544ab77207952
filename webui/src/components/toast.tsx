// A short message about what just happened, at the bottom of the window; it goes away by itself.
import {useSyncExternalStore} from 'react';

interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'error';
}

const kShownFor = 5000;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  listeners.forEach((tell) => tell());
}

export function toast(text: string, kind: Toast['kind'] = 'done'): void {
  const id = ++lastId;
  set([...toasts.slice(-3), {id, text, kind}]);
  setTimeout(() => set(toasts.filter((one) => one.id !== id)), kShownFor);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className={`toast toast-${one.kind}`}>
          {one.text}
        </div>
      ))}
    </div>
  );
}
