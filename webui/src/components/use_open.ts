// Which groups and mapped tasks of a DAG are open, for the grid and the graph alike; remembered in this browser.
import {useCallback, useMemo, useState} from 'react';
import type {Structure} from '../graph/structure';

// Up to so many tasks all groups are open until somebody closes one; beyond, a picture of groups says more.
const kOpenUpTo = 40;

export interface OpenNodes {
  open: ReadonlySet<string>;
  toggle: (id: string) => void;
  // Every group; closes all when all are open.
  toggleAll: () => void;
}

function read(key: string): string[] | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null;
  } catch {
    return null;
  }
}

export function useOpen(dag: string, structure: Structure): OpenNodes {
  const key = `millrace.open.${dag}`;
  const [chosen, setChosen] = useState(() => read(key));
  const groups = structure.groups;
  const open = useMemo(
    () => new Set(chosen ?? (structure.tasks.size <= kOpenUpTo ? groups.keys() : [])),
    [chosen, structure, groups],
  );
  const set = useCallback(
    (next: Iterable<string>) => {
      const list = [...next];
      localStorage.setItem(key, JSON.stringify(list));
      setChosen(list);
    },
    [key],
  );
  const toggle = useCallback(
    (id: string) => set(open.has(id) ? [...open].filter((one) => one !== id) : [...open, id]),
    [open, set],
  );
  const toggleAll = useCallback(
    () => set([...groups.keys()].every((id) => open.has(id)) ? [] : groups.keys()),
    [groups, open, set],
  );
  return {open, toggle, toggleAll};
}
