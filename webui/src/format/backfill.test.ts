import {describe, expect, it} from 'vitest';
import {backfillParts, datesDetail, datesText, doneOf, isOver} from './backfill';
import type {Backfill} from '../api/types';

const backfill = (more: Partial<Backfill>): Backfill => ({
  id: 1,
  dag_id: 'd',
  from_date: '2001-03-01T00:00:00Z',
  to_date: '2001-03-10T00:00:00Z',
  dag_run_conf: {},
  is_paused: false,
  reprocess_behavior: 'none',
  max_active_runs: 4,
  created_at: '2001-04-01T00:00:00Z',
  completed_at: null,
  state: 'running',
  run_backwards: false,
  user: 'ana',
  after: null,
  dates: 10,
  dates_run: 5,
  dates_left_alone: 1,
  dates_left: 4,
  runs: {queued: 1, running: 1, success: 2, failed: 1},
  ...more,
});

describe('backfillParts', () => {
  it('add up to all dates, in the order in which they pass through', () => {
    const parts = backfillParts(backfill({}));
    expect(parts.map(({kind, count}) => [kind, count])).toEqual([
      ['success', 2],
      ['failed', 1],
      ['running', 1],
      ['queued', 1],
      ['skipped', 1],
      ['none', 4],
    ]);
    expect(parts.reduce((sum, part) => sum + part.count, 0)).toBe(10);
    expect(doneOf(backfill({}))).toBe(4);
  });

  it('know what is over', () => {
    expect([isOver(backfill({})), isOver(backfill({state: 'cancelled'})), isOver(backfill({state: 'paused'}))]).toEqual(
      [false, true, false],
    );
  });
});

describe('datesText', () => {
  it('shows few dates all, and of many the first and the last', () => {
    const days = Array.from({length: 31}, (_, i) => `2001-03-${String(i + 1).padStart(2, '0')}T00:00:00Z`);
    expect(datesText(days.slice(0, 2), (day) => day.slice(8, 10))).toBe('01, 02');
    expect(datesText(days, (day) => day.slice(8, 10))).toBe('01, 02, 03 … 31');
    expect([datesDetail(days), datesDetail(['2001-03-01T06:00:00Z'])]).toEqual(['date', 'minutes']);
  });
});
