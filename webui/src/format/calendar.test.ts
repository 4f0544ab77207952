import {describe, expect, it} from 'vitest';
import {addDays, addMonths, dayState, dayText, monthOf, monthsOf} from './calendar';

describe('the calendar', () => {
  it('lays a month out in weeks from Monday on', () => {
    // The first of March 2001 was a Thursday.
    const {weeks} = monthOf('2001-03');
    expect(weeks[0]).toEqual([null, null, null, '2001-03-01', '2001-03-02', '2001-03-03', '2001-03-04']);
    expect(weeks.at(-1)).toEqual([
      '2001-03-26',
      '2001-03-27',
      '2001-03-28',
      '2001-03-29',
      '2001-03-30',
      '2001-03-31',
      null,
    ]);
    expect(monthOf('2010-02').weeks).toHaveLength(4);
  });

  it('has every day of a leap year once', () => {
    const days = monthsOf(2024).flatMap(({weeks}) => weeks.flat().filter((day) => day !== null));
    expect(days).toHaveLength(366);
    expect(new Set(days).size).toBe(366);
    expect(days[59]).toBe('2024-02-29');
  });

  it('steps over the ends of months and years', () => {
    expect(addDays('2000-12-31', 1)).toBe('2001-01-01');
    expect(addMonths('2001-01-31', 1)).toBe('2001-02-28');
    expect(addMonths('2001-01-15', -1)).toBe('2000-12-15');
  });

  it('takes the worst state of a day for the day, and plans only where nothing ran', () => {
    const day = (states: object, planned = 0) => ({date: '2001-03-01', states, planned});
    expect(dayState(day({success: 9, failed: 1}))).toBe('failed');
    expect(dayState(day({success: 1}, 2))).toBe('success');
    expect(dayState(day({}, 2))).toBe('planned');
    expect(dayState(undefined)).toBeNull();
    expect(dayText(day({success: 9, failed: 1}, 2))).toBe('1 failed, 9 success, 2 planned');
    expect(dayText(undefined)).toBe('no run');
  });
});
