import {describe, expect, it} from 'vitest';
import {assetGraphHref, dagHref, dagTabHref, parseRoute, taskHref, versionHref} from './router';

describe('routes', () => {
  it('come back from their own addresses, whatever is in the ids', () => {
    const run = 'manual__2001-03-01T00:00:00+00:00';
    expect(parseRoute(dagHref('a.b-c_d', run).split('?')[0] as string)).toEqual({
      page: 'dag',
      dag: 'a.b-c_d',
      tab: 'runs',
    });
    expect(parseRoute(taskHref('d', run, 'x.y', {map: 3, attempt: 2}).split('?')[0] as string)).toEqual({
      page: 'task',
      dag: 'd',
      run,
      task: 'x.y',
    });
    expect(parseRoute(taskHref('d/e', 'r?', '50%'))).toEqual({page: 'task', dag: 'd/e', run: 'r?', task: '50%'});
  });

  it('carry the map index and the attempt beside the path', () => {
    expect(taskHref('d', 'r', 't', {map: 0, attempt: 2})).toBe('/dags/d/runs/r/tasks/t?map=0&try=2');
    expect(taskHref('d', 'r', 't', {map: -1})).toBe('/dags/d/runs/r/tasks/t');
  });

  it('know the other pages and the tabs of a DAG', () => {
    for (const page of [
      'activity',
      'timeline',
      'backfills',
      'approvals',
      'assets',
      'workers',
      'pools',
      'variables',
      'connections',
      'users',
      'audit',
    ])
      expect(parseRoute(`/${page}`)).toEqual({page});
    expect(parseRoute('/assets/12')).toEqual({page: 'asset', asset: 12});
    expect(parseRoute('/assets/graph')).toEqual({page: 'assetGraph'});
    expect(assetGraphHref('dataset:s3://a b?c')).toBe('/assets/graph?node=dataset:s3:%2F%2Fa%20b%3Fc');
    expect(parseRoute('/assets/x')).toEqual({page: 'unknown'});
    expect(parseRoute(dagTabHref('d', 'code'))).toEqual({page: 'dag', dag: 'd', tab: 'code'});
    expect(parseRoute(dagTabHref('d', 'runs'))).toEqual({page: 'dag', dag: 'd', tab: 'runs'});
    expect(parseRoute('/dags/d/nothing')).toEqual({page: 'unknown'});
    expect(versionHref('d', 3)).toBe('/dags/d/code?version=3');
  });

  it('know the list, and what they do not know', () => {
    expect(parseRoute('/')).toEqual({page: 'dags'});
    expect(parseRoute('/dags/')).toEqual({page: 'dags'});
    expect(parseRoute('/dags/d/runs/r')).toEqual({page: 'unknown'});
    expect(parseRoute('/elsewhere')).toEqual({page: 'unknown'});
    expect(parseRoute('/dags/%E0%A4%A')).toEqual({page: 'unknown'});
  });
});
