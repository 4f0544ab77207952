// Client-side routes over the history API. A link is a real anchor: it opens in new tabs and works with the keyboard.
import {useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent} from 'react';

// What a DAG's page shows: its runs, its calendar, how long it took, what its checks found, its backfills, or its file and versions.
export const kDagTabs = ['runs', 'calendar', 'durations', 'checks', 'backfills', 'code'] as const;
export type DagTab = (typeof kDagTabs)[number];
const kPages = [
  'runs',
  'backfills',
  'approvals',
  'assets',
  'workers',
  'activity',
  'timeline',
  'pools',
  'variables',
  'connections',
  'users',
  'audit',
] as const;

export type Route =
  | {page: 'dags'}
  | {page: 'runs'}
  | {page: 'backfills'}
  | {page: 'assets'}
  | {page: 'asset'; asset: number}
  | {page: 'assetGraph'}
  | {page: 'approvals'}
  | {page: 'variables'}
  | {page: 'connections'}
  | {page: 'users'}
  | {page: 'audit'}
  | {page: 'pools'}
  | {page: 'workers'}
  | {page: 'activity'}
  | {page: 'timeline'}
  | {page: 'dag'; dag: string; tab: DagTab}
  | {page: 'task'; dag: string; run: string; task: string}
  | {page: 'unknown'};

export function parseRoute(pathname: string): Route {
  let parts: string[];
  try {
    parts = pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
  } catch {
    return {page: 'unknown'};
  }
  const [first, dag, third, run, fifth, task] = parts;
  if (parts.length === 0 || (first === 'dags' && parts.length === 1)) return {page: 'dags'};
  const page = kPages.find((one) => one === first);
  if (page !== undefined && parts.length === 1) return {page};
  if (first === 'assets' && parts.length === 2 && dag === 'graph') return {page: 'assetGraph'};
  if (first === 'assets' && parts.length === 2 && /^\d{1,15}$/.test(dag ?? ''))
    return {page: 'asset', asset: Number(dag)};
  if (first !== 'dags' || dag === undefined) return {page: 'unknown'};
  if (parts.length === 2) return {page: 'dag', dag, tab: 'runs'};
  const tab = kDagTabs.find((one) => one === third);
  if (parts.length === 3 && tab !== undefined && tab !== 'runs') return {page: 'dag', dag, tab};
  if (parts.length === 6 && third === 'runs' && fifth === 'tasks' && run !== undefined && task !== undefined) {
    return {page: 'task', dag, run, task};
  }
  return {page: 'unknown'};
}

const encode = (id: string) => encodeURIComponent(id).replaceAll('%3A', ':');

export function dagHref(dag: string, run?: string | null): string {
  return `/dags/${encode(dag)}${run ? `?run=${encode(run)}` : ''}`;
}

export function dagTabHref(dag: string, tab: DagTab): string {
  return tab === 'runs' ? dagHref(dag) : `${dagHref(dag)}/${tab}`;
}

// The file as a version had it.
export function versionHref(dag: string, version: number): string {
  return `${dagTabHref(dag, 'code')}?version=${version}`;
}

// The list of runs of a DAG, where several can be changed at once.
export function runsHref(dag: string): string {
  return `/runs?dag=${encode(dag)}`;
}

export function assetHref(id: number): string {
  return `/assets/${id}`;
}

// The graph of all assets, seen from one of its nodes: "dag:etl", "dataset:orders".
export function assetGraphHref(node?: string): string {
  return node === undefined ? '/assets/graph' : `/assets/graph?node=${encode(node)}`;
}

// map: one instance of a mapped task.
export function taskHref(
  dag: string,
  run: string,
  task: string,
  {map = -1, attempt}: {map?: number; attempt?: number} = {},
): string {
  const query = new URLSearchParams();
  if (map >= 0) query.set('map', String(map));
  if (attempt) query.set('try', String(attempt));
  const text = query.toString();
  return `/dags/${encode(dag)}/runs/${encode(run)}/tasks/${encode(task)}${text === '' ? '' : `?${text}`}`;
}

const listeners = new Set<() => void>();

function tell(): void {
  listeners.forEach((listener) => listener());
}

export function navigate(href: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', href);
  else history.replaceState(null, '', href);
  tell();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener('popstate', tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener('popstate', tell);
  };
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function useSearchParam(name: string): string | null {
  return useSyncExternalStore(subscribe, () => new URLSearchParams(location.search).get(name));
}

// Changes parameters of the address without a new history entry.
export function setSearchParams(changes: Record<string, string | null>): void {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  navigate(`${location.pathname}${text === '' ? '' : `?${text}`}`, 'replace');
}

export function Link({href, onClick, ...rest}: AnchorHTMLAttributes<HTMLAnchorElement> & {href: string}) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
