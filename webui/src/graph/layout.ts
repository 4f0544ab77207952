// Places nodes in layers (Sugiyama's steps, simplified): longest-path layers, barycentre sweeps against crossings, then rows
// pulled towards their neighbours. Nodes may differ in size. Deterministic; 1,000 tasks take some milliseconds.

export interface LayoutNode {
  id: string;
  next: readonly string[];
  // Where it is not the usual size.
  width?: number;
  height?: number;
}

export interface Placed {
  id: string;
  layer: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface NodeSize {
  width: number;
  height: number;
  // Between layers, and between the nodes of one layer.
  gapLayer: number;
  gapNode: number;
}

// Layers follow each other to the right or downwards.
export type Direction = 'right' | 'down';

export interface Layout {
  direction: Direction;
  placed: Placed[];
}

// An item of a layer: a node, or the bend of an edge that passes the layer. `row` is first a place in the order of its layer,
// then a distance in pixels, of its middle.
interface Item {
  id: string | null;
  width: number;
  height: number;
  before: Item[];
  after: Item[];
  row: number;
}

const kSweeps = 8;
const kMaxBends = 20000;
const kFoldFrom = 30;
const kFolds = [8, 12, 16, 20, 26, 34, 44, 60];

// The layout that can be shown largest in a pane: to the right, downwards, or, where layers are taller than any pane, with
// layers folded into several columns.
export function layOut(
  nodes: readonly LayoutNode[],
  size: NodeSize,
  pane: {width: number; height: number},
  directions: readonly Direction[] = ['right', 'down'],
): Layout {
  const layers = buildLayers(nodes, assignLayers(nodes), size);
  orderLayers(layers);
  const order = layers.map((layer) => layer.map((item) => item.row));
  const candidates: Layout[] = [];
  for (const direction of directions) {
    layers.forEach((layer, i) => layer.forEach((item, n) => (item.row = order[i]?.[n] ?? n)));
    assignRows(layers, size, direction);
    candidates.push({direction, placed: placeRows(layers, size, direction)});
    if (nodes.length > kFoldFrom) {
      for (const rows of kFolds) candidates.push({direction, placed: placeFolded(layers, size, rows, direction)});
    }
  }
  let best = candidates[0] as Layout;
  for (const candidate of candidates) {
    if (fitZoom(candidate.placed, pane) > fitZoom(best.placed, pane) * 1.02) best = candidate;
  }
  return best;
}

export function extentOf(placed: readonly Placed[]): {width: number; height: number} {
  let width = 0;
  let height = 0;
  for (const node of placed) {
    width = Math.max(width, node.x + node.width);
    height = Math.max(height, node.y + node.height);
  }
  return {width, height};
}

// How large a layout can be drawn so that all of it is in view; beyond its natural size nothing is gained.
export function fitZoom(placed: readonly Placed[], pane: {width: number; height: number}): number {
  const {width, height} = extentOf(placed);
  return Math.min(1, pane.width / Math.max(1, width), pane.height / Math.max(1, height));
}

// The longest path from a root; a task that sits on a cycle (a server never sends one) stays where it was first seen.
export function assignLayers(nodes: readonly LayoutNode[]): Map<string, number> {
  const known = new Set(nodes.map((node) => node.id));
  const waiting = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  for (const node of nodes) {
    for (const next of node.next) if (known.has(next)) waiting.set(next, (waiting.get(next) ?? 0) + 1);
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const layer = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  const ready = nodes.filter((node) => waiting.get(node.id) === 0).map((node) => node.id);
  for (let i = 0; i < ready.length; i++) {
    const id = ready[i] as string;
    for (const next of byId.get(id)?.next ?? []) {
      if (!known.has(next)) continue;
      layer.set(next, Math.max(layer.get(next) ?? 0, (layer.get(id) ?? 0) + 1));
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return layer;
}

function buildLayers(nodes: readonly LayoutNode[], layerOf: Map<string, number>, size: NodeSize): Item[][] {
  const items = new Map<string, Item>();
  const layers: Item[][] = [];
  const put = (layer: number, node: LayoutNode | null): Item => {
    const {width, height} = {...size, ...node};
    const item = {id: node?.id ?? null, width, height, before: [], after: [], row: 0};
    (layers[layer] ??= []).push(item);
    return item;
  };
  for (const node of nodes) items.set(node.id, put(layerOf.get(node.id) ?? 0, node));
  let bends = 0;
  for (const node of nodes) {
    const from = items.get(node.id) as Item;
    for (const next of node.next) {
      const to = items.get(next);
      if (!to) continue;
      let last = from;
      const end = layerOf.get(next) ?? 0;
      for (let layer = (layerOf.get(node.id) ?? 0) + 1; layer < end && bends < kMaxBends; layer++, bends++) {
        last = connect(last, put(layer, null));
      }
      connect(last, to);
    }
  }
  return layers;
}

function connect(from: Item, to: Item): Item {
  from.after.push(to);
  to.before.push(from);
  return to;
}

function orderLayers(layers: Item[][]): void {
  const number = (layer: Item[]) => layer.forEach((item, i) => (item.row = i));
  layers.forEach(number);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let sweep = 0; sweep < kSweeps && fewest > 0; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const weight = new Map(layer.map((item) => [item, centre(down ? item.before : item.after, item.row)]));
      layer.sort((a, b) => (weight.get(a) as number) - (weight.get(b) as number));
      number(layer);
    }
    const count = crossings(layers);
    if (count < fewest) {
      fewest = count;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, i) => {
    layers[i] = layer;
    number(layer);
  });
}

function centre(neighbours: Item[], otherwise: number): number {
  if (neighbours.length === 0) return otherwise;
  return neighbours.reduce((sum, item) => sum + item.row, 0) / neighbours.length;
}

// Counts inversions between neighbouring layers with a Fenwick tree.
export function crossings(layers: Item[][]): number {
  let total = 0;
  for (const [index, layer] of layers.entries()) {
    const size = layers[index + 1]?.length ?? 0;
    const tree = new Array<number>(size + 1).fill(0);
    let seen = 0;
    for (const item of layer) {
      const rows = item.after.map((next) => next.row).sort((a, b) => a - b);
      for (const row of rows) {
        let notAfter = 0;
        for (let i = row + 1; i > 0; i -= i & -i) notAfter += tree[i] ?? 0;
        total += seen - notAfter;
      }
      for (const row of rows) {
        seen++;
        for (let i = row + 1; i <= size; i += i & -i) tree[i] = (tree[i] ?? 0) + 1;
      }
    }
  }
  return total;
}

// What an item takes of its layer's length, and what its layer has to be wide for it.
const across = (item: Item, direction: Direction) => (direction === 'right' ? item.height : item.width);
const along = (item: Item, direction: Direction) => (direction === 'right' ? item.width : item.height);

// Every layer starts centred and is pulled towards its neighbours, order kept.
function assignRows(layers: Item[][], size: NodeSize, direction: Direction): void {
  const distances = layers.map((layer) =>
    layer.map((item, i) => {
      const before = layer[i - 1];
      return before ? (across(before, direction) + across(item, direction)) / 2 + size.gapNode : 0;
    }),
  );
  const lengths = distances.map((list) => list.reduce((sum, one) => sum + one, 0));
  const longest = Math.max(0, ...lengths);
  layers.forEach((layer, n) => {
    let row = (longest - (lengths[n] ?? 0)) / 2;
    layer.forEach((item, i) => (item.row = row += distances[n]?.[i] ?? 0));
  });
  for (let sweep = 0; sweep < kSweeps; sweep++) {
    const down = sweep % 2 === 0;
    const numbers = [...layers.keys()];
    for (const n of down ? numbers : numbers.reverse()) {
      const layer = layers[n] as Item[];
      pull(
        layer,
        layer.map((item) => centre(down ? item.before : item.after, item.row)),
        distances[n] as number[],
      );
    }
  }
}

// The rows nearest to what is wished that keep their distances (pool adjacent violators).
function pull(layer: Item[], wished: number[], distances: number[]): void {
  const blocks: {sum: number; count: number}[] = [];
  let offset = 0;
  const offsets = distances.map((distance) => (offset += distance));
  for (const [i, wish] of wished.entries()) {
    let block = {sum: wish - (offsets[i] as number), count: 1};
    for (let last = blocks.at(-1); last && last.sum / last.count > block.sum / block.count; last = blocks.at(-1)) {
      block = {sum: last.sum + block.sum, count: last.count + block.count};
      blocks.pop();
    }
    blocks.push(block);
  }
  let i = 0;
  for (const block of blocks) {
    for (let n = 0; n < block.count; n++, i++)
      (layer[i] as Item).row = block.sum / block.count + (offsets[i] as number);
  }
}

function placedAt(item: Item, layer: number, start: number, row: number, direction: Direction): Placed {
  const {width, height} = item;
  const side = row - across(item, direction) / 2;
  const [x, y] = direction === 'right' ? [start, side] : [side, start];
  return {id: item.id as string, layer, x, y, width, height};
}

function toOrigin(placed: Placed[]): Placed[] {
  const left = placed.reduce((least, node) => Math.min(least, node.x), Infinity);
  const top = placed.reduce((least, node) => Math.min(least, node.y), Infinity);
  return placed.map((node) => ({...node, x: node.x - left, y: node.y - top}));
}

function placeRows(layers: Item[][], size: NodeSize, direction: Direction): Placed[] {
  const placed: Placed[] = [];
  let start = 0;
  for (const [layer, items] of layers.entries()) {
    const nodes = items.filter((item) => item.id !== null);
    const thick = nodes.reduce((most, item) => Math.max(most, along(item, direction)), 0);
    for (const item of nodes)
      placed.push(placedAt(item, layer, start + (thick - along(item, direction)) / 2, item.row, direction));
    start += thick + size.gapLayer;
  }
  return toOrigin(placed);
}

// Every layer as columns of at most so many nodes, centred; the order within the layer is kept, column by column.
function placeFolded(layers: Item[][], size: NodeSize, rows: number, direction: Direction): Placed[] {
  const placed: Placed[] = [];
  let start = 0;
  for (const [layer, items] of layers.entries()) {
    const nodes = items.filter((item) => item.id !== null);
    const thick = nodes.reduce((most, item) => Math.max(most, along(item, direction)), 0);
    const pitch = nodes.reduce((most, item) => Math.max(most, across(item, direction)), 0) + size.gapNode;
    const columns = Math.max(1, Math.ceil(nodes.length / rows));
    const perColumn = Math.ceil(nodes.length / columns);
    nodes.forEach((item, i) => {
      const column = Math.floor(i / perColumn);
      const row = (i % perColumn) - (perColumn - 1) / 2;
      placed.push(placedAt(item, layer, start + column * (thick + size.gapNode), row * pitch, direction));
    });
    start += columns * (thick + size.gapNode) - size.gapNode + size.gapLayer;
  }
  return toOrigin(placed);
}
