import {describe, expect, it} from 'vitest';
import {layOutDependencies, linesOf, partsOf, sidesOf, withoutCircles} from './dependencies';
import type {DependencyEdge, DependencyKind} from '../api/dependency_types';

const kSize = {width: 100, height: 40, gapLayer: 40, gapNode: 10};
const kPane = {width: 1200, height: 700};

function edges(text: string): DependencyEdge[] {
  return text.split(' ').map((part) => {
    const [source = '', kind = '', target = ''] = part.split('-');
    return {source, target, kind: kind as DependencyKind, tasks: [], waits_for: []};
  });
}

describe('the graph of all assets', () => {
  it('tells what leads to a node and what it leads to, and leaves out its neighbours on the side', () => {
    const all = edges('load-produces-orders load-produces-other orders-consumes-report report-triggers-mail');
    expect(Object.fromEntries(sidesOf(all, 'orders'))).toEqual({
      orders: 'self',
      load: 'upstream',
      report: 'downstream',
      mail: 'downstream',
    });
    expect([...sidesOf(all, 'orders', 'upstream').keys()]).toEqual(['orders', 'load']);
    expect([...sidesOf(all, 'load', 'downstream').keys()].sort()).toEqual([
      'load',
      'mail',
      'orders',
      'other',
      'report',
    ]);
  });

  it('says of a circle that it is on both sides', () => {
    const all = edges('a-consumes-b b-produces-c c-consumes-a');
    expect(Object.fromEntries(sidesOf(all, 'a'))).toEqual({a: 'self', b: 'both', c: 'both'});
  });

  it('draws one line between two nodes, with an arrow at both ends where both act', () => {
    const [one, two, ...more] = linesOf(edges('o-reads-d o-consumes-d d-triggers-d d-produces-p p-reads-d'));
    expect(more).toEqual([]);
    expect(one).toMatchObject({source: 'd', target: 'p', kinds: ['produces'], back: ['reads']});
    expect(two).toMatchObject({source: 'o', target: 'd', kinds: ['consumes', 'reads'], back: []});
  });

  it('cuts circles where they come back, also long ones', () => {
    const links = edges('s-consumes-a a-produces-b b-consumes-c c-produces-a');
    expect(withoutCircles(['a', 'b', 'c', 's'], links)).toEqual([
      {id: 'a', next: ['b']},
      {id: 'b', next: ['c']},
      {id: 'c', next: []},
      {id: 's', next: ['a']},
    ]);
    const ids = Array.from({length: 20000}, (_, i) => `n${i}`);
    const ring = ids.map((source, i) => ({source, target: ids[(i + 1) % ids.length] as string}));
    expect(withoutCircles(ids, ring).filter(({next}) => next.length === 0)).toHaveLength(1);
  });

  it('finds what hangs together, the largest first', () => {
    expect(partsOf(['a', 'b', 'c', 'd', 'e'], edges('d-reads-b b-reads-e'))).toEqual([['b', 'd', 'e'], ['a'], ['c']]);
  });

  it('puts parts side by side without overlaps, each from left to right', () => {
    const ids = Array.from({length: 60}, (_, i) => [`d${i}`, `o${i}`, `r${i}`]).flat();
    const links = Array.from({length: 60}, (_, i) => [
      {source: `d${i}`, target: `o${i}`},
      {source: `o${i}`, target: `r${i}`},
    ]).flat();
    const placed = layOutDependencies(ids, links, kSize, kPane);
    expect(placed).toHaveLength(180);
    const at = new Map(placed.map((one) => [one.id, one]));
    for (const {source, target} of links) expect(at.get(source)?.x).toBeLessThan(at.get(target)?.x ?? 0);
    for (const one of placed)
      for (const other of placed)
        if (one !== other)
          expect(Math.abs(one.x - other.x) < kSize.width && Math.abs(one.y - other.y) < kSize.height).toBe(false);
  });

  it('lays out a thousand nodes that hang together in the blink of an eye', () => {
    const ids = Array.from({length: 1000}, (_, i) => `n${i}`);
    const links = ids.slice(1).map((target, i) => ({source: `n${Math.floor(i / 3)}`, target}));
    const start = performance.now();
    expect(layOutDependencies(ids, links, kSize, kPane)).toHaveLength(1000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
