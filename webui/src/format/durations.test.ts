import {describe, expect, it} from 'vitest';
import {allSeries, dueOf, inTime, kWholeRun, medianOf, stretches} from './durations';
import type {DagRun, GridCell} from '../api/types';

const at = (minute: number) => new Date(Date.UTC(2001, 2, 1, 0, minute)).toISOString();
const run = (
  id: string,
  due: number,
  start: number | null,
  end: number | null,
  more: Partial<DagRun> = {},
): DagRun => ({
  dag_run_id: id,
  dag_id: 'd',
  run_type: 'scheduled',
  state: end === null ? 'running' : 'success',
  run_after: at(due),
  data_interval_end: at(due),
  start_date: start === null ? null : at(start),
  end_date: end === null ? null : at(end),
  ...more,
});

describe('medianOf', () => {
  it('is the middle, or the mean of the two in the middle', () => {
    expect(medianOf([9, 1, 5])).toBe(5);
    expect(medianOf([4, 1, 2, 9])).toBe(3);
    expect(medianOf([])).toBeNull();
  });
});

describe('dueOf', () => {
  it('is the end of the interval of a scheduled run, and when another one was asked for', () => {
    expect(dueOf(run('a', 5, 6, 7))).toBe(at(5));
    expect(dueOf(run('b', 5, 6, 7, {run_type: 'backfill', queued_at: at(6)}))).toBe(at(6));
  });
});

describe('allSeries', () => {
  const runs = [run('a', 0, 1, 5), run('b', 10, 12, 20), run('c', 20, 20, null)];
  const cells: Record<string, Partial<GridCell>> = {
    'a fast': {state: 'success', start_date: at(1), end_date: at(2)},
    'a slow': {state: 'failed', start_date: at(2), end_date: at(5)},
    'b slow': {state: 'success', start_date: at(12), end_date: at(19)},
    // Skipped without having begun: its end is no landing.
    'b fast': {state: 'skipped', start_date: null, end_date: at(12)},
    'c slow': {state: 'running', start_date: at(20), end_date: null},
  };
  const cellOf = (id: string, task: string) => cells[`${id} ${task}`] as GridCell | undefined;

  it('measures how long each took, the whole run first and the slowest task next', () => {
    const all = allSeries(runs, ['fast', 'slow'], cellOf, 'duration');
    expect(all.map((one) => one.id)).toEqual([kWholeRun, 'slow', 'fast']);
    expect(all[0]?.values).toEqual([240, 480, null]);
    expect(all[1]).toMatchObject({values: [180, 420, null], median: 300, longest: 420, newest: 420});
    expect(all[1]?.states).toEqual(['failed', 'success', 'running']);
    expect(all[2]).toMatchObject({values: [60, null, null], newest: 60});
  });

  it('measures how long after the run was due each was done', () => {
    const [whole, slow] = allSeries(runs, ['fast', 'slow'], cellOf, 'landing');
    expect(whole?.values).toEqual([300, 600, null]);
    expect(slow?.values).toEqual([300, 540, null]);
  });

  it('has no numbers where nothing has run', () => {
    const [whole] = allSeries([run('q', 0, null, null)], [], cellOf, 'duration');
    expect(whole).toMatchObject({values: [null], median: null, longest: null, newest: null});
  });
});

describe('stretches', () => {
  it('interrupts the line where a run has no value', () => {
    expect(stretches([1, 2, null, 3, null, null, 4])).toEqual([[0, 1], [3], [6]]);
    expect(stretches([null])).toEqual([]);
  });
});

describe('inTime', () => {
  it('goes by when a run was to start, else by its logical date or when it was queued', () => {
    const runs = [{queued_at: at(3)}, {run_after: at(1), queued_at: at(9)}, {logical_date: at(2)}];
    expect(inTime(runs).map((one) => runs.indexOf(one))).toEqual([1, 2, 0]);
  });
});
