import {describe, expect, it} from 'vitest';
import {describeCounts, endedOf, overallState, sharesOf, summarise} from './summary';
import type {GridCell, TaskState} from '../api/types';

const cell = (task_id: string, state: TaskState | null, more: Partial<GridCell> = {}): GridCell => ({
  dag_run_id: 'r',
  task_id,
  state,
  try_number: 1,
  ...more,
});

describe('overallState', () => {
  it('is the worst that occurs, in Airflow’s order', () => {
    expect(overallState({success: 10, failed: 1})).toBe('failed');
    expect(overallState({success: 3, running: 1, none: 4})).toBe('running');
    expect(overallState({success: 3, none: 4})).toBeNull();
    expect(overallState({success: 3, skipped: 4})).toBe('success');
    expect(overallState({})).toBeNull();
  });
});

describe('sharesOf', () => {
  it('fills the bar, in one order, and lets one of a thousand be seen', () => {
    const shares = sharesOf({success: 999, failed: 1});
    expect(shares.map((share) => share.state)).toEqual(['failed', 'success']);
    expect(shares[0]?.to).toBeGreaterThan(0.1);
    expect(shares.at(-1)?.to).toBeCloseTo(1);
    expect(sharesOf({})).toEqual([]);
  });
});

describe('summarise', () => {
  it('adds up tasks and the instances of mapped tasks', () => {
    const sum = summarise('r', 'stage', [
      cell('stage.a', 'success', {start_date: '2001-01-01T00:00:02Z', end_date: '2001-01-01T00:00:03Z'}),
      cell('stage.b', 'failed', {
        start_date: '2001-01-01T00:00:01Z',
        end_date: '2001-01-01T00:00:09Z',
        states: {success: 3, failed: 2},
      }),
    ]);
    expect(sum).toMatchObject({
      state: 'failed',
      instances: 6,
      states: {success: 4, failed: 2},
      start_date: '2001-01-01T00:00:01Z',
      end_date: '2001-01-01T00:00:09Z',
    });
    expect(endedOf(sum?.states ?? {})).toBe(6);
    expect(describeCounts(sum?.states ?? {}, (state) => state)).toBe('2 failed, 4 success');
  });

  it('goes on while one task of the group does, or has not begun', () => {
    const done = cell('a', 'success', {start_date: '1', end_date: '2'});
    expect(summarise('r', 'g', [done, cell('b', 'running', {start_date: '2'})])?.end_date).toBeNull();
    expect(summarise('r', 'g', [done, undefined])).toMatchObject({end_date: null, states: {success: 1, none: 1}});
    expect(summarise('r', 'g', [undefined, undefined])).toBeUndefined();
  });
});
