// What a dry run selected, as a list that people can check: a line a task and run, instances of a mapped task together.
import type {StateCounts, TaskInstance} from '../api/types';

export interface SelectedLine {
  run: string;
  task: string;
  // "[0–11, 14]" of a mapped task, else empty.
  indices: string;
  count: number;
  states: StateCounts;
}

export function selectedLines(instances: readonly TaskInstance[]): SelectedLine[] {
  const lines = new Map<string, SelectedLine & {maps: number[]}>();
  for (const one of instances) {
    const key = `${one.dag_run_id}\n${one.task_id}`;
    const line = lines.get(key) ?? {
      run: one.dag_run_id,
      task: one.task_id,
      indices: '',
      count: 0,
      states: {},
      maps: [],
    };
    lines.set(key, line);
    line.count++;
    const state = one.state ?? 'none';
    line.states[state] = (line.states[state] ?? 0) + 1;
    if (one.map_index >= 0) line.maps.push(one.map_index);
  }
  return [...lines.values()].map(({maps, ...line}) => ({...line, indices: maps.length > 0 ? `[${ranges(maps)}]` : ''}));
}

export function ranges(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts: [number, number][] = [];
  for (const one of sorted) {
    const last = parts.at(-1);
    if (last && last[1] === one - 1) last[1] = one;
    else parts.push([one, one]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(', ');
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
