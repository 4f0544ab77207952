import {describe, expect, it} from 'vitest';
import {assignLayers, fitZoom, layOut, type LayoutNode, type NodeSize} from './layout';
import {topological} from './topological';

const kSize: NodeSize = {width: 100, height: 40, gapLayer: 40, gapNode: 10};
const kPane = {width: 700, height: 500};
const kWide = {width: 4000, height: 500};

function nodes(text: string): LayoutNode[] {
  return text.split(' ').map((part) => {
    const [id = '', next = ''] = part.split('>');
    return {id, next: next === '' ? [] : next.split(',')};
  });
}

function overlaps(placed: {x: number; y: number}[]): boolean {
  const cells = new Map<string, {x: number; y: number}[]>();
  for (const node of placed) {
    const key = `${Math.floor(node.x / 200)},${Math.floor(node.y / 200)}`;
    for (const other of cells.get(key) ?? []) {
      if (Math.abs(node.x - other.x) < kSize.width && Math.abs(node.y - other.y) < kSize.height - 1e-6) return true;
    }
    cells.set(key, [...(cells.get(key) ?? []), node]);
  }
  return false;
}

function large(count: number): LayoutNode[] {
  return Array.from({length: count}, (_, i) => ({
    id: `n${i}`,
    next: [i * 2 + 1, i * 2 + 2, i + 37].filter((to) => to < count && to > i).map((to) => `n${to}`),
  }));
}

describe('layOut', () => {
  it('puts every task behind everything that it needs', () => {
    const graph = nodes('a>b,d b>c c>d d');
    expect([...assignLayers(graph)]).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
      ['d', 3],
    ]);
    const {placed} = layOut(graph, kSize, kWide);
    const x = new Map(placed.map((node) => [node.id, node.x]));
    for (const node of graph)
      for (const next of node.next) expect(x.get(next)).toBeGreaterThan(x.get(node.id) as number);
  });

  it('keeps a chain on one line', () => {
    expect(new Set(layOut(nodes('a>b b>c c>d d'), kSize, kWide).placed.map((node) => node.y)).size).toBe(1);
  });

  it('centres what a task fans out to around it', () => {
    const y = new Map(layOut(nodes('a>b,c,d b>e c>e d>e e'), kSize, kWide).placed.map((node) => [node.id, node.y]));
    expect(y.get('a')).toBeCloseTo(y.get('c') as number);
    expect(y.get('e')).toBeCloseTo(y.get('c') as number);
  });

  it('leaves no crossing where none is needed', () => {
    const {placed} = layOut(nodes('a>z b>y c>x x y z'), kSize, kWide);
    const y = new Map(placed.map((node) => [node.id, node.y]));
    const order = (ids: string[]) => ids.sort((one, other) => (y.get(one) as number) - (y.get(other) as number));
    const upper = order(['a', 'b', 'c']).map((id) => ({a: 'z', b: 'y', c: 'x'})[id]);
    expect(order(['x', 'y', 'z'])).toEqual(upper);
  });

  it('runs downwards where that can be shown larger', () => {
    expect(layOut(nodes('a>b b>c c>d d>e e>f f'), kSize, {width: 400, height: 900}).direction).toBe('down');
    expect(layOut(nodes('a>b b>c c>d d>e e>f f'), kSize, {width: 1600, height: 300}).direction).toBe('right');
  });

  it('folds wide layers, so that a thousand tasks still can be seen, without one over another', () => {
    const fan: LayoutNode[] = [
      {id: 'root', next: Array.from({length: 999}, (_, i) => `t${i}`)},
      ...Array.from({length: 999}, (_, i) => ({id: `t${i}`, next: []})),
    ];
    const {placed} = layOut(fan, kSize, kPane);
    expect(placed).toHaveLength(1000);
    expect(fitZoom(placed, kPane)).toBeGreaterThan(0.1);
    expect(overlaps(placed)).toBe(false);
  });

  it('never puts one task over another, begins at the origin, and is the same every time', () => {
    for (const count of [1, 2, 7, 30, 200, 1500]) {
      const first = layOut(large(count), kSize, kPane);
      expect(first.placed).toHaveLength(count);
      expect(overlaps(first.placed)).toBe(false);
      expect(Math.min(...first.placed.map((node) => node.x))).toBeCloseTo(0);
      expect(Math.min(...first.placed.map((node) => node.y))).toBeGreaterThanOrEqual(0);
      expect(layOut(large(count), kSize, kPane)).toEqual(first);
    }
  });

  it('survives an edge to nowhere, a cycle and nothing at all', () => {
    expect(layOut(nodes('a>ghost b>c c>b'), kSize, kPane).placed).toHaveLength(3);
    expect(layOut([], kSize, kPane).placed).toEqual([]);
  });
});

describe('topological', () => {
  const task = (task_id: string, ...downstream_task_ids: string[]) => ({task_id, downstream_task_ids});

  it('lists a task after what it needs, and keeps the order of the file otherwise', () => {
    const tasks = [
      task('publish'),
      task('delays', 'publish'),
      task('quality', 'delays'),
      task('extract', 'quality'),
      task('other'),
    ];
    expect(topological(tasks).map((one) => one.task_id)).toEqual(['extract', 'other', 'quality', 'delays', 'publish']);
  });

  it('loses no task, not even on a cycle', () => {
    expect(topological([task('a', 'b'), task('b', 'a'), task('c')]).map((one) => one.task_id)).toEqual(['c', 'a', 'b']);
    expect(topological([])).toEqual([]);
  });
});
