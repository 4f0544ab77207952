import {describe, expect, it} from 'vitest';
import {Cells} from './cells';
import {patchGrid, patchInstances} from './patch';
import {RecentTransitions} from './recent';
import type {Grid, TaskInstance, Transition} from '../api/types';

const grid: Grid = {
  runs: [{dag_run_id: 'r1', dag_id: 'd', run_type: 'manual', state: 'queued'}],
  task_instances: [{dag_run_id: 'r1', task_id: 'a', state: 'queued', try_number: 1}],
};
const change = (task_id: string | null, state: Transition['state'], at: string, dag_run_id = 'r1'): Transition => ({
  dag_id: 'd',
  dag_run_id,
  task_id,
  state,
  try_number: 1,
  at,
});

describe('patchGrid', () => {
  it('moves runs and task instances through their states with their times', () => {
    const running = patchGrid(grid, [change(null, 'running', 't1'), change('a', 'running', 't2')]);
    expect(running.runs[0]).toMatchObject({state: 'running', start_date: 't1', end_date: null});
    expect(running.task_instances[0]).toMatchObject({state: 'running', start_date: 't2', end_date: null});
    const ended = patchGrid(running, [change('a', 'success', 't3'), change(null, 'success', 't4')]);
    expect(ended.runs[0]).toMatchObject({state: 'success', start_date: 't1', end_date: 't4'});
    expect(ended.task_instances[0]).toMatchObject({state: 'success', start_date: 't2', end_date: 't3'});
  });

  it('adds a task instance that had no cell yet', () => {
    const patched = patchGrid(grid, [change('b', 'scheduled', 't1')]);
    expect(patched.task_instances).toHaveLength(2);
    expect(patched.task_instances[1]).toMatchObject({task_id: 'b', state: 'scheduled'});
  });

  it('forgets the times of a task instance that was cleared', () => {
    const done = patchGrid(grid, [change('a', 'running', 't1'), change('a', 'success', 't2')]);
    expect(patchGrid(done, [change('a', null, 't3')]).task_instances[0]).toMatchObject({
      state: null,
      start_date: null,
      end_date: null,
    });
  });

  it('leaves the grid that it was given as it was, also when cells were added', () => {
    const once = patchGrid(grid, [change('b', 'scheduled', 't1')]);
    const twice = patchGrid(grid, [change('c', 'scheduled', 't1')]);
    expect(grid.task_instances).toHaveLength(1);
    expect(new Cells(once.task_instances).get('r1', 'c')).toBeUndefined();
    expect(new Cells(twice.task_instances).get('r1', 'c')?.state).toBe('scheduled');
    expect(new Cells(patchGrid(once, [change('b', 'running', 't2')]).task_instances).get('r1', 'b')?.state).toBe(
      'running',
    );
  });

  it('keeps the exact times of a state that is known already', () => {
    const known = {
      ...grid,
      task_instances: [
        {dag_run_id: 'r1', task_id: 'a', state: 'success' as const, try_number: 1, start_date: 's', end_date: 'e'},
      ],
    };
    expect(patchGrid(known, [change('a', 'success', 'later')]).task_instances).toEqual(known.task_instances);
  });

  it('takes one instance of a mapped task for no more than a sign that the task is at work', () => {
    const states = {queued: 3};
    const mapped: Grid = {
      ...grid,
      task_instances: [{dag_run_id: 'r1', task_id: 'm', state: 'queued', try_number: 1, instances: 3, states}],
    };
    const running = patchGrid(mapped, [{...change('m', 'running', 't1'), map_index: 1}]);
    expect(running.task_instances[0]).toMatchObject({state: 'running', start_date: 't1', states});
    const one = patchGrid(running, [{...change('m', 'success', 't2'), map_index: 1}]);
    expect(one.task_instances[0]).toMatchObject({state: 'running', states});
  });

  it('returns the same object when nothing of it changed', () => {
    expect(patchGrid(grid, [change('a', 'running', 't1', 'another run')])).toBe(grid);
  });
});

describe('patchInstances', () => {
  it('changes the instance with that index, and leaves the others as they are', () => {
    const one = (map_index: number): TaskInstance => ({
      task_id: 'm',
      dag_id: 'd',
      dag_run_id: 'r1',
      map_index,
      state: 'running',
      try_number: 1,
      max_tries: 0,
    });
    const list = [one(0), one(1)];
    const patched = patchInstances(list, [{...change('m', 'success', 't2'), map_index: 1}]);
    expect(patched[0]).toBe(list[0]);
    expect(patched[1]).toMatchObject({state: 'success', end_date: 't2'});
  });
});

describe('RecentTransitions', () => {
  it('keeps the instances of a mapped task apart', () => {
    const recent = new RecentTransitions(() => 0);
    recent.add({...change('m', 'running', 't1'), map_index: 0});
    recent.add({...change('m', 'success', 't2'), map_index: 1});
    expect(recent.of('d').map(({map_index, state}) => [map_index, state])).toEqual([
      [0, 'running'],
      [1, 'success'],
    ]);
  });

  it('remembers the newest transition of everything for ten seconds, in the order of arrival', () => {
    let now = 0;
    const recent = new RecentTransitions(() => now);
    recent.add(change('a', 'queued', 't1'));
    recent.add(change('b', 'queued', 't2'));
    now = 6000;
    recent.add(change('a', 'running', 't3'));
    expect(recent.of('d').map(({task_id, state}) => [task_id, state])).toEqual([
      ['b', 'queued'],
      ['a', 'running'],
    ]);
    expect(recent.of('another')).toEqual([]);
    now = 11000;
    expect(recent.of('d').map(({task_id}) => task_id)).toEqual(['a']);
    now = 20000;
    expect(recent.of('d')).toEqual([]);
  });
});
