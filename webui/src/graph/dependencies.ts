// The graph of all assets as it is drawn: what leads to a node and what it leads to, one line between two nodes, and places for all
// of it. Parts that have nothing to do with each other are laid out by themselves and put side by side. Deterministic; a thousand
// nodes take some milliseconds.
import {extentOf, fitZoom, layOut, type NodeSize, type Placed} from './layout';
import type {DependencyEdge, DependencyKind} from '../api/dependency_types';

// Seen from the node that is looked at. `both`: in a circle with it.
export type Side = 'self' | 'upstream' | 'downstream' | 'both';
export type Reach = 'both' | 'upstream' | 'downstream';

interface Link {
  source: string;
  target: string;
}

function add<T>(lists: Map<string, T[]>, key: string, one: T): void {
  const list = lists.get(key);
  if (list) list.push(one);
  else lists.set(key, [one]);
}

function follow(edges: readonly Link[], node: string, from: 'source' | 'target'): Set<string> {
  const to = from === 'source' ? 'target' : 'source';
  const next = new Map<string, string[]>();
  for (const edge of edges) add(next, edge[from], edge[to]);
  const found = new Set([node]);
  // A set goes on over what is added while it is walked.
  for (const one of found) next.get(one)?.forEach((other) => found.add(other));
  return found;
}

// Of what is reached from the node; what is not there has nothing to do with it.
export function sidesOf(edges: readonly Link[], node: string, reach: Reach = 'both'): Map<string, Side> {
  const before = reach === 'downstream' ? new Set<string>() : follow(edges, node, 'target');
  const after = reach === 'upstream' ? new Set<string>() : follow(edges, node, 'source');
  const sides = new Map<string, Side>();
  for (const id of before) sides.set(id, after.has(id) ? 'both' : 'upstream');
  for (const id of after) if (!before.has(id)) sides.set(id, 'downstream');
  sides.set(node, 'self');
  return sides;
}

// All that is between two nodes, as one line with an arrow at one end or at both.
export interface Line {
  id: string;
  source: string;
  target: string;
  // Of which the first says how it looks.
  kinds: DependencyKind[];
  back: DependencyKind[];
  edges: DependencyEdge[];
}

const kWeight: Record<DependencyKind, number> = {
  triggers: 0,
  produces: 1,
  consumes: 2,
  attaches: 3,
  watches: 4,
  waits_for: 5,
  reads: 6,
};

export function linesOf(edges: readonly DependencyEdge[]): Line[] {
  const lines = new Map<string, Line>();
  const ordered = [...edges].sort((a, b) => kWeight[a.kind] - kWeight[b.kind]);
  for (const edge of ordered) {
    if (edge.source === edge.target) continue;
    const opposite = lines.get(`${edge.target}\n${edge.source}`);
    if (opposite) {
      opposite.back.push(edge.kind);
      opposite.edges.push(edge);
      continue;
    }
    const id = `${edge.source}\n${edge.target}`;
    const line = lines.get(id) ?? {id, source: edge.source, target: edge.target, kinds: [], back: [], edges: []};
    line.kinds.push(edge.kind);
    line.edges.push(edge);
    lines.set(id, line);
  }
  return [...lines.values()];
}

// Each node with what follows it, without the links that would close a circle.
export function withoutCircles(nodes: readonly string[], links: readonly Link[]): {id: string; next: string[]}[] {
  const next = new Map<string, string[]>(nodes.map((id) => [id, []]));
  for (const {source, target} of links) if (source !== target && next.has(target)) next.get(source)?.push(target);
  const kept = new Map<string, string[]>(nodes.map((id) => [id, []]));
  const done = new Set<string>();
  const path = new Set<string>();
  // From where nothing leads to first, so that a circle is cut where it comes back.
  const entered = new Set(links.filter(({source, target}) => source !== target).map(({target}) => target));
  const roots = [...nodes].sort((a, b) => Number(entered.has(a)) - Number(entered.has(b)));
  for (const root of roots) {
    if (done.has(root)) continue;
    // Not by recursion: a chain may be longer than the stack is deep.
    const steps = [{id: root, at: 0}];
    path.add(root);
    for (let step = steps.at(-1); step; step = steps.at(-1)) {
      const to = next.get(step.id)?.[step.at++];
      if (to === undefined) {
        path.delete(step.id);
        done.add(step.id);
        steps.pop();
      } else if (!path.has(to)) {
        kept.get(step.id)?.push(to);
        if (!done.has(to)) {
          path.add(to);
          steps.push({id: to, at: 0});
        }
      }
    }
  }
  return nodes.map((id) => ({id, next: kept.get(id) ?? []}));
}

// What hangs together, the largest first.
export function partsOf(nodes: readonly string[], links: readonly Link[]): string[][] {
  const around = new Map<string, string[]>(nodes.map((id) => [id, []]));
  for (const {source, target} of links) {
    around.get(source)?.push(target);
    around.get(target)?.push(source);
  }
  const seen = new Set<string>();
  const parts: string[][] = [];
  for (const id of nodes) {
    if (seen.has(id)) continue;
    const part = new Set([id]);
    for (const one of part) around.get(one)?.forEach((other) => part.add(other));
    part.forEach((one) => seen.add(one));
    // In the order of `nodes`, whichever of them was met first.
    parts.push(nodes.filter((one) => part.has(one)));
  }
  return parts.sort((a, b) => b.length - a.length);
}

const kBetweenParts = 110;
const kRowWidths = [0.6, 0.8, 1, 1.3, 1.7, 2.2, 3];

// All nodes from left to right, so that as much as can be fits the pane.
export function layOutDependencies(
  nodes: readonly string[],
  links: readonly Link[],
  size: NodeSize,
  pane: {width: number; height: number},
): Placed[] {
  const of = new Map<string, Link[]>();
  const parts = partsOf(nodes, links);
  const partOf = new Map(parts.flatMap((part) => part.map((id) => [id, part[0] as string] as const)));
  for (const link of links) {
    const part = partOf.get(link.source);
    if (part !== undefined) add(of, part, link);
  }
  const blocks = parts.map((part) => {
    const items = withoutCircles(part, of.get(part[0] as string) ?? []);
    const {placed} = layOut(items, size, pane, ['right']);
    return {placed, ...extentOf(placed)};
  });
  const area = blocks.reduce((sum, {width, height}) => sum + (width + kBetweenParts) * (height + kBetweenParts), 0);
  const ideal = Math.sqrt((area * pane.width) / Math.max(1, pane.height));
  let best: Placed[] = [];
  for (const share of kRowWidths) {
    const candidate = inRows(blocks, ideal * share);
    if (best.length === 0 || fitZoom(candidate, pane) > fitZoom(best, pane) * 1.02) best = candidate;
  }
  return best;
}

function inRows(blocks: readonly {placed: Placed[]; width: number; height: number}[], most: number): Placed[] {
  const placed: Placed[] = [];
  let x = 0;
  let y = 0;
  let tall = 0;
  for (const block of blocks) {
    if (x > 0 && x + block.width > most) {
      x = 0;
      y += tall + kBetweenParts;
      tall = 0;
    }
    for (const node of block.placed) placed.push({...node, x: node.x + x, y: node.y + y});
    x += block.width + kBetweenParts;
    tall = Math.max(tall, block.height);
  }
  return placed;
}
