import {describe, expect, it} from 'vitest';
import {axisOf, barOf, spanOf, ticksOf} from './gantt';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const cell = (state: string, queued: number | null, start: number | null, end: number | null) => ({
  state: state as 'running',
  queued_date: queued === null ? null : at(queued),
  start_date: start === null ? null : at(start),
  end_date: end === null ? null : at(end),
});

describe('the gantt', () => {
  it('tells waiting from work', () => {
    expect(barOf(cell('success', 10, 12, 20), 99_000)).toEqual({
      queued: 10_000,
      start: 12_000,
      end: 20_000,
      going: false,
    });
    expect(barOf(cell('running', 10, 12, null), 30_000)).toEqual({
      queued: 10_000,
      start: 12_000,
      end: 30_000,
      going: true,
    });
    expect(barOf(cell('queued', 10, null, null), 30_000)).toEqual({
      queued: 10_000,
      start: null,
      end: 30_000,
      going: true,
    });
  });

  it('draws nothing for what has not come to be queued, and no wait that ended before the work', () => {
    expect(barOf(undefined, 1)).toEqual({queued: null, start: null, end: null, going: false});
    expect(barOf(cell('upstream_failed', null, null, null), 1).end).toBeNull();
    // Cleared: the old times of a task that waits for its upstreams are not shown.
    expect(barOf(cell('none', 5, null, null), 9_000)).toEqual({queued: null, start: null, end: null, going: false});
    expect(barOf(cell('running', 15, 12, null), 30_000).queued).toBeNull();
  });

  it('spans from the first wait to the last end', () => {
    expect(spanOf([barOf(cell('success', 10, 12, 20), 0), barOf(cell('success', null, 15, 40), 0)])).toEqual({
      begin: 10_000,
      length: 30_000,
    });
    expect(spanOf([])).toEqual({begin: 0, length: 1});
  });

  it('marks round times', () => {
    expect(ticksOf(8, 4)).toEqual([0, 2, 4, 6, 8]);
    expect(ticksOf(3600, 5)).toEqual([0, 900, 1800, 2700, 3600]);
    expect(ticksOf(0.9, 4)).toEqual([0, 0.5]);
    expect(ticksOf(86400 * 30, 5)).toEqual([0, 6, 12, 18, 24, 30].map((day) => day * 86400));
  });
  it('makes an axis that ends at a round time, not below the most', () => {
    expect(axisOf(8, 4)).toEqual({top: 8, ticks: [0, 2, 4, 6, 8]});
    expect(axisOf(9, 4)).toEqual({top: 10, ticks: [0, 5, 10]});
    expect(axisOf(0, 4).top).toBeGreaterThan(0);
  });
});
