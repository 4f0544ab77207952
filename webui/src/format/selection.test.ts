import {describe, expect, it} from 'vitest';
import {countText, ranges, selectedLines} from './selection';
import type {TaskInstance, TaskState} from '../api/types';

const instance = (task_id: string, map_index: number, state: TaskState | null, dag_run_id = 'r'): TaskInstance => ({
  task_id,
  dag_id: 'd',
  dag_run_id,
  map_index,
  state,
  try_number: 1,
  max_tries: 0,
});

describe('selectedLines', () => {
  it('has a line a task and run, with the indices of a mapped task together', () => {
    const lines = selectedLines([
      instance('load', 0, 'success'),
      instance('load', 1, 'failed'),
      instance('load', 3, 'success'),
      instance('report', -1, null),
      instance('report', -1, 'failed', 'another'),
    ]);
    expect(lines).toEqual([
      {run: 'r', task: 'load', indices: '[0–1, 3]', count: 3, states: {success: 2, failed: 1}},
      {run: 'r', task: 'report', indices: '', count: 1, states: {none: 1}},
      {run: 'another', task: 'report', indices: '', count: 1, states: {failed: 1}},
    ]);
  });
});

describe('ranges', () => {
  it('joins neighbours and keeps the rest', () => {
    expect(ranges([5, 1, 2, 3, 9, 9])).toBe('1–3, 5, 9');
    expect(ranges([])).toBe('');
  });
});

describe('countText', () => {
  it('knows one from many', () => {
    expect([countText(1, 'run'), countText(2, 'run'), countText(0, 'entry', 'entries')]).toEqual([
      '1 run',
      '2 runs',
      '0 entries',
    ]);
  });
});
