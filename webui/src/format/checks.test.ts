import {describe, expect, it} from 'vitest';
import {checkRows, pointsOf, valueText} from './checks';

const outcome = (check: string, passed: boolean, severity = 'error', value = 1) => ({
  check,
  type: 'row_count',
  severity: severity as 'error',
  passed,
  value,
  failing_rows: 0,
  rows: 10,
  message: '',
});
const result = (run: string, task: string, map: number, ...checks: ReturnType<typeof outcome>[]) => ({
  dag_run_id: run,
  task_id: task,
  map_index: map,
  state: 'success' as const,
  end_date: null,
  checks,
});

describe('the history of checks', () => {
  it('is a row a check and a cell a run, a mapped task with its worst instance', () => {
    const rows = checkRows({
      runs: [],
      results: [
        result('r2', 'quality', -1, outcome('rows', true), outcome('nulls', false, 'warn')),
        result('r1', 'quality', -1, outcome('rows', false)),
        result('r1', 'each', 0, outcome('rows', true)),
        result('r1', 'each', 1, outcome('rows', false)),
        result('r1', 'each', 2, outcome('rows', true)),
      ],
    });
    expect(rows.map((row) => `${row.task} ${row.check}`)).toEqual(['each rows', 'quality rows', 'quality nulls']);
    expect(rows[0]?.cells.get('r1')).toMatchObject({state: 'failed', mapIndex: 1, bad: 1, instances: 3});
    expect(rows[1]?.cells.get('r2')?.state).toBe('passed');
    expect(rows[2]?.cells.get('r2')?.state).toBe('warned');
    expect(rows[2]?.cells.get('r1')).toBeUndefined();
  });

  it('draws values between the least and the most, and a steady one in the middle', () => {
    expect(pointsOf([10, null, 20])).toEqual([{x: 0, y: 0}, null, {x: 1, y: 1}]);
    expect(pointsOf([5])).toEqual([{x: 0.5, y: 0.5}]);
    expect(valueText(16384)).toBe('16,384');
    expect(valueText(0.0123456)).toBe('0.01235');
  });
});
