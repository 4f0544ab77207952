// Places a DAG with groups: the inside of every open group is laid out first, then the group is a node of that size among its
// neighbours. Closed groups are nodes like tasks.
import {extentOf, fitZoom, layOut, type Direction, type NodeSize} from './layout';
import {levelsOf, type Structure, type TreeNode} from './structure';

export interface Box {
  id: string;
  kind: 'task' | 'group';
  open: boolean;
  depth: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface NestedLayout {
  direction: Direction;
  boxes: Box[];
}

const kPad = 14;
const kHead = 30;
const kLarge = 30;
const kShares = [1, 0.4, 0.15];

export function layOutNested(
  structure: Structure,
  open: ReadonlySet<string>,
  size: NodeSize,
  pane: {width: number; height: number},
): NestedLayout {
  const levels = levelsOf(structure.around, structure.arrows);
  // Large groups may be folded narrower than the pane: they stand side by side.
  const large = [...structure.groups.values()].some((group) => open.has(group.id) && group.children.length > kLarge);
  let best: {layout: NestedLayout; zoom: number} | null = null;
  for (const direction of ['right', 'down'] as const) {
    for (const share of large ? kShares : [1]) {
      const inner = {
        width: direction === 'right' ? pane.width * share : pane.width,
        height: direction === 'down' ? pane.height * share : pane.height,
      };
      const boxes = place(structure.roots, null, 0, {levels, open, size, pane, inner, direction});
      const zoom = fitZoom(
        boxes.filter((box) => box.depth === 0).map((box) => ({...box, layer: 0})),
        pane,
      );
      if (best === null || zoom > best.zoom * 1.02) best = {layout: {direction, boxes}, zoom};
    }
  }
  return best?.layout ?? {direction: 'right', boxes: []};
}

interface Context {
  levels: ReturnType<typeof levelsOf>;
  open: ReadonlySet<string>;
  size: NodeSize;
  pane: {width: number; height: number};
  // What the inside of a group is laid out for.
  inner: {width: number; height: number};
  direction: Direction;
}

// Boxes with a group before what is in it, so that it is drawn beneath.
function place(nodes: readonly TreeNode[], level: string | null, depth: number, context: Context): Box[] {
  const {levels, open, size, direction} = context;
  const pane = level === null ? context.pane : context.inner;
  const next = levels.get(level);
  const insides = new Map<string, Box[]>();
  const items = nodes.map((node) => {
    const item = {id: node.id, next: [...(next?.get(node.id) ?? [])]};
    if (node.kind === 'task' || !open.has(node.id)) return item;
    const boxes = place(node.children, node.id, depth + 1, context);
    insides.set(node.id, boxes);
    const {width, height} = extentOf(boxes.filter((box) => box.depth === depth + 1).map((box) => ({...box, layer: 0})));
    return {...item, width: Math.max(width, size.width) + 2 * kPad, height: Math.max(height, 0) + kHead + kPad};
  });
  const kinds = new Map(nodes.map((node) => [node.id, node.kind]));
  return layOut(items, size, pane, [direction]).placed.flatMap(({id, x, y, width, height}) => {
    const within = insides.get(id);
    const box: Box = {id, kind: kinds.get(id) ?? 'task', open: within !== undefined, depth, x, y, width, height};
    return [box, ...(within ?? []).map((one) => ({...one, x: one.x + x + kPad, y: one.y + y + kHead}))];
  });
}
