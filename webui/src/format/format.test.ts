import {describe, expect, it} from 'vitest';
import {scheduleText} from './schedule';
import {elapsed, formatDuration, formatRelative, formatTick} from './duration';
import {problemsOf} from './import_errors';
import {readJobReport, workerLanes} from './job_report';
import {formatBytes, formatCount} from './number';
import {formatTime, parseTypedTime} from './time';

describe('durations', () => {
  it('have no zeros behind the point at an axis', () => {
    expect([0, 0.5, 2.5, 5, 10, 90].map(formatTick)).toEqual(['0', '500 ms', '2.5 s', '5 s', '10 s', '1 min 30 s']);
  });

  it('show two units at most and never round up to a sixty', () => {
    const cases: [number | null, string][] = [
      [null, '–'],
      [NaN, '–'],
      [-3, '0 ms'],
      [0, '0 ms'],
      [0.0123, '12 ms'],
      [0.9996, '1.00 s'],
      [1, '1.00 s'],
      [9.994, '9.99 s'],
      [9.996, '10.0 s'],
      [59.94, '59.9 s'],
      [59.96, '1 min'],
      [61, '1 min 1 s'],
      [119.7, '2 min'],
      [3599.6, '1 h'],
      [3660, '1 h 1 min'],
      [86399.9, '1 d'],
      [90061, '1 d 1 h'],
    ];
    for (const [seconds, text] of cases) expect(formatDuration(seconds)).toBe(text);
  });

  it('count to now while something goes on, and are never negative', () => {
    const now = Date.parse('2026-01-01T00:00:10Z');
    expect(elapsed('2026-01-01T00:00:00Z', null, now)).toBe(10);
    expect(elapsed('2026-01-01T00:00:00Z', '2026-01-01T00:00:01.500Z', now)).toBe(1.5);
    expect(elapsed('2026-01-01T00:01:00Z', null, now)).toBe(0);
    expect(elapsed(null, null, now)).toBeNull();
  });

  it('say how long ago or how soon', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(formatRelative('2025-12-31T23:59:58Z', now)).toBe('now');
    expect(formatRelative('2025-12-31T23:00:00Z', now)).toBe('1 h ago');
    expect(formatRelative('2026-01-03T00:00:00Z', now)).toBe('in 2 d');
    expect(formatRelative('2001-01-01T00:00:00Z', now)).toBe('25 years ago');
    expect(formatRelative('nonsense', now)).toBe('');
  });
});

describe('times', () => {
  it('are shown in UTC with as much detail as asked', () => {
    expect(formatTime('2001-03-01T07:05:09.042-05:00', 'UTC', 'milliseconds')).toBe('2001-03-01 12:05:09.042');
    expect(formatTime('2001-03-01T07:05:09Z', 'UTC', 'minutes')).toBe('2001-03-01 07:05');
    expect(formatTime(null, 'UTC')).toBe('–');
    expect(formatTime('nonsense', 'UTC')).toBe('nonsense');
  });

  it('are read as people type them', () => {
    expect(parseTypedTime('2001-03-01')).toBe('2001-03-01T00:00:00.000Z');
    expect(parseTypedTime(' 2001-03-01 6:30 ')).toBe('2001-03-01T06:30:00.000Z');
    expect(parseTypedTime('2001-03-01T06:30:15Z')).toBe('2001-03-01T06:30:15.000Z');
    expect(parseTypedTime('2001-03-01 02:00 -0500')).toBe('2001-03-01T07:00:00.000Z');
    for (const bad of ['', '1.3.2001', '2001-02-30', '2001-13-01', '2001-03-01 25:00', 'tomorrow'])
      expect(parseTypedTime(bad)).toBeNull();
  });
});

describe('numbers', () => {
  it('have units and groups', () => {
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(999)).toBe('999 B');
    expect(formatBytes(999.7)).toBe('1.0 kB');
    expect(formatBytes(164200)).toBe('164 kB');
    expect(formatBytes(1.5e9)).toBe('1.5 GB');
    expect(formatCount(1234567)).toBe('1\u202F234\u202F567');
    expect(formatCount(null)).toBe('–');
  });
});

describe('import errors', () => {
  const error = {import_error_id: 1, filename: 'dags/a.yaml', stack_trace: ''};

  it('are read from their text, with place and suggestion', () => {
    const text =
      'dags/a.yaml:14:11: unknown kind "mapredcue"\n  did you mean "mapreduce"?\ndags/a.yaml:22: no such task\n  hint: try x';
    expect(problemsOf({...error, stack_trace: text})).toEqual([
      {
        file: 'dags/a.yaml',
        line: 14,
        column: 11,
        message: 'unknown kind "mapredcue"',
        suggestion: 'did you mean "mapreduce"?',
      },
      {file: 'dags/a.yaml', line: 22, column: null, message: 'no such task', suggestion: 'try x'},
    ]);
  });

  it('are taken from fields where there are some, and shown whole where nothing can be read', () => {
    expect(problemsOf({...error, problems: [{line: 3, message: 'm'}]})[0]).toMatchObject({
      file: 'dags/a.yaml',
      line: 3,
      message: 'm',
    });
    expect(problemsOf({...error, line: 4, message: 'm'})[0]).toMatchObject({line: 4, message: 'm'});
    expect(problemsOf({...error, stack_trace: 'Traceback\n  boom'})).toEqual([
      {file: 'dags/a.yaml', line: null, column: null, message: 'Traceback\n  boom', suggestion: null},
    ]);
  });
});

describe('job reports', () => {
  const attempt = (worker: string, started_at: number, ended_at: number) => ({
    stage: 'map',
    index: 0,
    worker,
    started_at,
    ended_at,
    outcome: 'success',
    message: '',
  });

  it('are read as the scheduler writes them', () => {
    const report = readJobReport({
      dag_id: 'd',
      state: 'running',
      report: {
        state: 'reducing',
        mode: 'distributed',
        partitions: [{rows: 1, bytes: 2}],
        decisions: [{rule: 'fuse', what: 'distributed', why: 'w'}],
        stages: [
          {
            stage: 'map',
            tasks: 4,
            running: 0,
            done: 4,
            attempts: 5,
            failed_attempts: 1,
            input_rows: 10,
            duration_ms: 1500,
          },
          {stage: 'reduce', tasks: 8, running: 2, done: 0},
        ],
        timeline: [attempt('w1', 2_000_000, 3_500_000), attempt('w2', 1_000_000, 1_250_000)],
        timeline_dropped: 3,
      },
    });
    expect(report).toMatchObject({
      state: 'reducing',
      mode: 'distributed',
      partitions: [{rows: 1, bytes: 2}],
      attemptsDropped: 3,
    });
    expect(report?.stages).toMatchObject([
      {name: 'map', state: 'success', failedAttempts: 1, inputRows: 10, seconds: 1.5},
      {name: 'reduce', state: 'running', seconds: null},
    ]);
    expect(report?.attempts).toMatchObject([
      {start: 1, end: 2.5},
      {start: 0, end: 0.25},
    ]);
  });

  it('may be empty, of an older server, or no report at all', () => {
    expect(readJobReport({report: {}})).toMatchObject({state: '', stages: [], partitions: [], attempts: []});
    expect(readJobReport({report: {stages: [null, {stage: 'plan'}]}})?.stages).toMatchObject([
      {name: 'plan', state: 'queued', tasks: 0},
    ]);
    expect(readJobReport({report: null})).toBeNull();
    expect(readJobReport('nonsense')).toBeNull();
  });

  it('give every worker as many lanes as it did at once', () => {
    const report = readJobReport({
      report: {timeline: [attempt('b', 0, 10), attempt('a', 0, 10), attempt('a', 5, 15), attempt('a', 10, 20)]},
    });
    const lanes = workerLanes(report?.attempts ?? []);
    expect(lanes.map(({worker, lanes: rows}) => [worker, rows.map((row) => row.length)])).toEqual([
      ['a', [2, 1]],
      ['b', [1]],
    ]);
  });
});

describe('schedules', () => {
  it('are shown as written, but as described where a mapping was written', () => {
    const text = (timetable_summary: string | null, timetable_description = '') =>
      scheduleText({timetable_summary, timetable_description});
    expect(text(null)).toBeNull();
    expect(text('0 2 * * *', 'at two')).toBe('0 2 * * *');
    expect(text('{"datasets":["a"]}', 'when a is updated')).toBe('when a is updated');
    expect(text('{"datasets":["a"]}')).toBe('{"datasets":["a"]}');
  });
});
