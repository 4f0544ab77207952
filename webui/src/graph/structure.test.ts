import {describe, expect, it} from 'vitest';
import {fitZoom} from './layout';
import {layOutNested} from './nested';
import {levelsOf, rowsOf, shownArrows, structureOf} from './structure';
import type {Graph, Task} from '../api/types';

const kSize = {width: 100, height: 40, gapLayer: 40, gapNode: 10};
const kPane = {width: 1200, height: 700};

// "stage.fetch*>stage.rows,stage.fresh": a star is a mapped task.
function make(text: string, groups: Record<string, string | null>, labels: Record<string, string> = {}) {
  const tasks: Task[] = [];
  const graph: Graph = {
    tasks: [],
    edges: [],
    groups: Object.entries(groups).map(([id, parent]) => ({id, parent, tooltip: null, is_mapped: false})),
  };
  for (const part of text.split(' ')) {
    const [name = '', next = ''] = part.split('>');
    const id = name.replace('*', '');
    const to = next === '' ? [] : next.split(',');
    tasks.push({task_id: id, downstream_task_ids: to});
    const group =
      Object.keys(groups)
        .filter((one) => id.startsWith(`${one}.`))
        .sort((a, b) => b.length - a.length)[0] ?? null;
    graph.tasks.push({
      task_id: id,
      operator_name: 'shell',
      group,
      trigger_rule: 'all_success',
      role: 'work',
      is_mapped: name.endsWith('*'),
    });
    for (const one of to) graph.edges.push({from: id, to: one, label: labels[`${id}>${one}`] ?? null});
  }
  return structureOf(tasks, graph);
}

const sales = () =>
  make(
    'which>full,partial full partial list>stage.fetch stage.fetch*>stage.checks.rows,stage.checks.fresh stage.checks.rows>which stage.checks.fresh>which',
    {stage: null, 'stage.checks': 'stage'},
    {'stage.checks.rows>which': 'rows > 0', 'stage.checks.fresh>which': 'rows > 0', 'which>full': 'all'},
  );

describe('structureOf', () => {
  it('nests tasks in groups, names them without their prefix, and orders each level by what needs what', () => {
    const {roots, groups} = sales();
    expect(roots.map((node) => node.id)).toEqual(['list', 'stage', 'which', 'full', 'partial']);
    const stage = groups.get('stage');
    expect(stage?.children.map((node) => node.label)).toEqual(['fetch', 'checks']);
    expect(groups.get('stage.checks')?.children.map((node) => node.label)).toEqual(['rows', 'fresh']);
    expect(stage?.tasks).toEqual(['stage.fetch', 'stage.checks.rows', 'stage.checks.fresh']);
  });

  it('lets every task stand alone while there is no graph', () => {
    const {roots} = structureOf(
      [
        {task_id: 'a.b', downstream_task_ids: ['c']},
        {task_id: 'c', downstream_task_ids: []},
      ],
      undefined,
    );
    expect(roots.map((node) => node.label)).toEqual(['a.b', 'c']);
  });

  it('survives a group that names no parent of the DAG, and one within itself', () => {
    const graph: Graph = {tasks: [], edges: [], groups: [{id: 'a', parent: 'a', tooltip: null, is_mapped: false}]};
    expect(structureOf([{task_id: 't', downstream_task_ids: ['gone']}], graph).arrows).toEqual([]);
  });
});

describe('levelsOf', () => {
  it('puts an arrow on the innermost level that has both ends', () => {
    const {around, arrows} = sales();
    const levels = levelsOf(around, arrows);
    expect([...(levels.get('stage')?.get('stage.fetch') ?? [])]).toEqual(['stage.checks']);
    expect([...(levels.get(null)?.get('stage') ?? [])]).toEqual(['which']);
    expect(levels.get('stage.checks')).toBeUndefined();
  });
});

describe('rowsOf', () => {
  it('shows what is open, indented, with the instances of a mapped task', () => {
    const rows = (...open: string[]) =>
      rowsOf(sales(), new Set(open), () => [0, 1]).map(
        (row) => `${' '.repeat(row.depth)}${row.kind === 'instance' ? row.mapIndex : row.node.label}`,
      );
    expect(rows()).toEqual(['list', 'stage', 'which', 'full', 'partial']);
    expect(rows('stage', 'stage.fetch')).toEqual([
      'list',
      'stage',
      ' fetch',
      '  0',
      '  1',
      ' checks',
      'which',
      'full',
      'partial',
    ]);
    // A group that is open within a closed one is not seen.
    expect(rows('stage.checks')).toEqual(rows());
  });
});

describe('shownArrows', () => {
  it('draws one arrow for all that lead to a closed group, with the label that they share', () => {
    const closed = shownArrows(sales(), new Set());
    expect(closed.map(({from, to, label}) => [from, to, label])).toEqual([
      ['which', 'full', 'all'],
      ['which', 'partial', null],
      ['list', 'stage', null],
      ['stage', 'which', 'rows > 0'],
    ]);
    expect(shownArrows(sales(), new Set(['stage'])).map(({from, to}) => `${from}>${to}`)).toContain(
      'stage.fetch>stage.checks',
    );
  });
});

describe('layOutNested', () => {
  it('draws an open group around what is in it, and nothing else over it', () => {
    const {boxes} = layOutNested(sales(), new Set(['stage', 'stage.checks']), kSize, kPane);
    expect(boxes).toHaveLength(9);
    const box = (id: string) => boxes.find((one) => one.id === id) as (typeof boxes)[0];
    const within = (one: string, other: string) =>
      box(one).x >= box(other).x &&
      box(one).y >= box(other).y &&
      box(one).x + box(one).width <= box(other).x + box(other).width &&
      box(one).y + box(one).height <= box(other).y + box(other).height;
    for (const id of ['stage.fetch', 'stage.checks', 'stage.checks.rows', 'stage.checks.fresh'])
      expect(within(id, 'stage')).toBe(true);
    for (const id of ['list', 'which', 'full', 'partial']) expect(within(id, 'stage')).toBe(false);
    expect(within('stage.checks.rows', 'stage.checks')).toBe(true);
    const outside = ['list', 'which', 'full', 'partial', 'stage'].map(box);
    for (const [i, a] of outside.entries())
      for (const b of outside.slice(i + 1))
        expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(
          true,
        );
  });

  it('makes a closed group as small as a task', () => {
    const {boxes} = layOutNested(sales(), new Set(), kSize, kPane);
    expect(boxes.map((box) => [box.id, box.width, box.open])).toContainEqual(['stage', 100, false]);
    expect(boxes).toHaveLength(5);
  });

  it('places a thousand tasks in ten groups', () => {
    const ids = Array.from({length: 1000}, (_, i) => `g${Math.floor(i / 100)}.t${i}`);
    const text = ids.map((id, i) => `${id}${i + 100 < 1000 ? `>${ids[i + 100]}` : ''}`).join(' ');
    const groups = Object.fromEntries(Array.from({length: 10}, (_, i) => [`g${i}`, null]));
    const structure = make(text, groups);
    const {boxes} = layOutNested(structure, new Set(Object.keys(groups)), kSize, kPane);
    expect(boxes).toHaveLength(1010);
    // Ten groups of a hundred, one after the other, still fill the pane rather than a line.
    const top = boxes.filter((box) => box.depth === 0);
    expect(
      fitZoom(
        top.map((box) => ({...box, layer: 0})),
        kPane,
      ),
    ).toBeGreaterThan(0.15);
    expect(layOutNested(structure, new Set(), kSize, kPane).boxes).toHaveLength(10);
  });
});
