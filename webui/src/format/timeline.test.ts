import {describe, expect, it} from 'vitest';
import {barsOf} from './activity';
import {clockTicks, lanesOf} from './timeline';
import type {TimelineInstance} from '../api/types';

const kFrom = Date.UTC(2001, 2, 1);
const at = (minute: number) => new Date(kFrom + minute * 60_000).toISOString();
const ran = (
  task: string,
  queued: number | null,
  start: number | null,
  end: number | null,
  more = {},
): TimelineInstance => ({
  dag_id: 'd',
  dag_run_id: 'r',
  task_id: task,
  map_index: -1,
  state: end === null ? 'running' : 'success',
  try_number: 1,
  pool: 'default_pool',
  pool_slots: 1,
  worker: 'w1',
  queued_date: queued === null ? null : at(queued),
  start_date: start === null ? null : at(start),
  end_date: end === null ? null : at(end),
  ...more,
});
const minutes = (time: number | null) => (time === null ? null : (time - kFrom) / 60_000);
const window = [kFrom, kFrom + 60 * 60_000] as const;

describe('lanesOf', () => {
  it('puts what overlaps into lanes of its own, and fills a lane that is free again', () => {
    const [group] = lanesOf([ran('a', null, 0, 10), ran('b', null, 5, 20), ran('c', null, 10, 12)], 'dag', ...window);
    expect(group?.lanes.map((lane) => lane.map((stay) => stay.instance.task_id))).toEqual([['a', 'c'], ['b']]);
    expect(group?.peak).toBe(2);
  });

  it('cuts what reaches beyond the window, and tells waiting from working', () => {
    const [group] = lanesOf(
      [ran('a', -20, -10, 5), ran('b', 10, 30, null), ran('c', 40, null, null)],
      'dag',
      ...window,
    );
    const stays = group?.lanes.flat().map(({queued, start, end}) => [queued, start, end].map(minutes));
    expect(stays).toEqual(
      expect.arrayContaining([
        [null, 0, 5],
        [10, 30, 60],
        [40, null, 60],
      ]),
    );
    expect(group?.peak).toBe(1);
  });

  it('groups by pool with the slots that were held, and by worker without what waits', () => {
    const all = [
      ran('a', null, 0, 10, {pool: 'db', pool_slots: 2}),
      ran('b', null, 5, 20, {pool: 'db', pool_slots: 3}),
      ran('c', null, 20, 30, {pool: 'db', pool_slots: 4}),
      ran('w', 1, null, null, {worker: null, state: 'queued'}),
    ];
    expect(lanesOf(all, 'pool', ...window).map(({name, peak}) => [name, peak])).toEqual([
      ['db', 5],
      ['default_pool', 0],
    ]);
    expect(lanesOf(all, 'worker', ...window).map(({name}) => name)).toEqual(['w1']);
  });
});

describe('clockTicks', () => {
  it('are round times, and a midnight is its day', () => {
    expect(clockTicks(kFrom - 7 * 60_000, kFrom + 53 * 60_000, 4, 'UTC').map((tick) => tick.text)).toEqual([
      '03-01',
      '00:15',
      '00:30',
      '00:45',
    ]);
  });
});

describe('barsOf', () => {
  it('are as high as their share of the highest, with the sum of all', () => {
    const part = (from: number, success: number, failed: number) => ({
      from: at(from),
      runs: {success, failed},
      task_instances: {},
    });
    const {bars, most, sum} = barsOf(
      {
        from: at(0),
        to: at(30),
        parts: [part(0, 3, 1), part(15, 2, 0)],
        now: {runs: {}, task_instances: {}},
        all_counted: true,
      },
      'runs',
    );
    expect(bars.map(({height, to}) => [height, to])).toEqual([
      [1, at(15)],
      [0.5, at(30)],
    ]);
    expect([most, sum]).toEqual([4, {success: 5, failed: 1}]);
  });
});
