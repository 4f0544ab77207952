// Light, dark, or as the system says. The choice is an attribute of <html>; the colours are in styles/tokens.css.
import {useSyncExternalStore} from 'react';

export type Theme = 'system' | 'light' | 'dark';

const kKey = 'millrace.theme';
const kOrder: readonly Theme[] = ['system', 'light', 'dark'];
const stored = localStorage.getItem(kKey);
let theme: Theme = stored === 'light' || stored === 'dark' ? stored : 'system';
const listeners = new Set<() => void>();

function apply(): void {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme);
}

apply();

export function nextTheme(): void {
  theme = kOrder[(kOrder.indexOf(theme) + 1) % kOrder.length] as Theme;
  localStorage.setItem(kKey, theme);
  apply();
  listeners.forEach((tell) => tell());
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}
