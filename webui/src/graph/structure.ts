// A DAG as its author wrote it: tasks in groups in groups. What the grid lists as rows and the graph draws as boxes.
import {topological} from './topological';
import type {Graph, Task} from '../api/types';

export interface GroupNode {
  kind: 'group';
  id: string;
  // The id without those of the groups around it.
  label: string;
  tooltip: string | null;
  mapped: boolean;
  children: TreeNode[];
  // Every task within, at any depth.
  tasks: string[];
}

export interface TaskNode {
  kind: 'task';
  id: string;
  label: string;
  task: Task;
  mapped: boolean;
  role: 'setup' | 'teardown' | 'work';
}

export type TreeNode = GroupNode | TaskNode;

export interface Arrow {
  from: string;
  to: string;
  label: string | null;
}

export interface Structure {
  roots: TreeNode[];
  tasks: ReadonlyMap<string, TaskNode>;
  groups: ReadonlyMap<string, GroupNode>;
  // Ids of the groups around a task or group, the outermost first.
  around: ReadonlyMap<string, readonly string[]>;
  arrows: readonly Arrow[];
}

export function shortLabel(id: string, group: string | null): string {
  return group !== null && id.startsWith(`${group}.`) ? id.slice(group.length + 1) : id;
}

// Without a graph (it has not arrived yet) every task stands alone.
export function structureOf(tasks: readonly Task[], graph: Graph | undefined): Structure {
  const drawn = new Map((graph?.tasks ?? []).map((task) => [task.task_id, task]));
  const groups = new Map<string, GroupNode>();
  const parents = new Map<string, string | null>();
  for (const group of graph?.groups ?? []) {
    const {id, parent, tooltip, is_mapped} = group;
    const label = shortLabel(id, parent);
    groups.set(id, {kind: 'group', id, label, tooltip, mapped: is_mapped, children: [], tasks: []});
    parents.set(id, parent);
  }
  const all = new Map<string, TaskNode>();
  for (const task of tasks) {
    const more = drawn.get(task.task_id);
    const parent = more?.group != null && groups.has(more.group) ? more.group : null;
    parents.set(task.task_id, parent);
    all.set(task.task_id, {
      kind: 'task',
      id: task.task_id,
      label:
        task.task_display_name !== task.task_id && task.task_display_name
          ? task.task_display_name
          : shortLabel(task.task_id, parent),
      task,
      mapped: more?.is_mapped ?? task.is_mapped ?? false,
      role: more?.role ?? 'work',
    });
  }
  const around = new Map<string, string[]>();
  for (const id of [...groups.keys(), ...all.keys()]) {
    const path: string[] = [];
    for (let at = parents.get(id) ?? null; at !== null && !path.includes(at); at = parents.get(at) ?? null)
      path.unshift(at);
    around.set(id, path);
  }
  for (const id of all.keys()) for (const group of around.get(id) ?? []) groups.get(group)?.tasks.push(id);

  const labels = new Map((graph?.edges ?? []).map((edge) => [`${edge.from}\n${edge.to}`, edge.label]));
  const arrows = tasks.flatMap((task) =>
    task.downstream_task_ids
      .filter((to) => all.has(to))
      .map((to) => ({from: task.task_id, to, label: labels.get(`${task.task_id}\n${to}`) ?? null})),
  );
  const levels = levelsOf(around, arrows);
  const place = new Map(tasks.map((task, i) => [task.task_id, i]));
  const fill = (level: string | null): TreeNode[] => {
    const here = [...groups.values(), ...all.values()].filter((node) => (parents.get(node.id) ?? null) === level);
    const firstTask = (node: TreeNode) => place.get(node.kind === 'task' ? node.id : (node.tasks[0] ?? '')) ?? 0;
    here.sort((a, b) => firstTask(a) - firstTask(b));
    const next = levels.get(level) ?? new Map<string, Set<string>>();
    const ordered = topological(
      here.map((node) => ({task_id: node.id, downstream_task_ids: [...(next.get(node.id) ?? [])], node})),
    );
    return ordered.map(({node}) => node);
  };
  for (const group of groups.values()) group.children = fill(group.id);
  return {roots: fill(null), tasks: all, groups, around, arrows};
}

// Arrows as those who stand side by side see them: on the level of the innermost group that holds both ends, between the
// tasks or groups of that level.
export function levelsOf(
  around: ReadonlyMap<string, readonly string[]>,
  arrows: readonly Arrow[],
): Map<string | null, Map<string, Set<string>>> {
  const levels = new Map<string | null, Map<string, Set<string>>>();
  for (const {from, to} of arrows) {
    const path = [...(around.get(from) ?? []), from];
    const other = [...(around.get(to) ?? []), to];
    let depth = 0;
    while (path[depth] === other[depth] && depth < path.length - 1 && depth < other.length - 1) depth++;
    const one = path[depth] as string;
    const two = other[depth] as string;
    if (one === two) continue;
    const level = depth === 0 ? null : (path[depth - 1] as string);
    const next = levels.get(level) ?? new Map<string, Set<string>>();
    levels.set(level, next);
    next.set(one, (next.get(one) ?? new Set()).add(two));
  }
  return levels;
}

export type Row =
  | {kind: 'group'; key: string; depth: number; node: GroupNode; open: boolean}
  | {kind: 'task'; key: string; depth: number; node: TaskNode; open: boolean}
  | {kind: 'instance'; key: string; depth: number; node: TaskNode; mapIndex: number};

// What is open: ids of groups and of mapped tasks. `instances`: the map indices of a mapped task in the run that is shown.
export function rowsOf(
  structure: Structure,
  open: ReadonlySet<string>,
  instances: (task: string) => readonly number[],
): Row[] {
  const rows: Row[] = [];
  const walk = (nodes: readonly TreeNode[], depth: number) => {
    for (const node of nodes) {
      const isOpen = open.has(node.id);
      if (node.kind === 'group') {
        rows.push({kind: 'group', key: node.id, depth, node, open: isOpen});
        if (isOpen) walk(node.children, depth + 1);
      } else {
        rows.push({kind: 'task', key: node.id, depth, node, open: node.mapped && isOpen});
        if (!node.mapped || !isOpen) continue;
        for (const mapIndex of instances(node.id))
          rows.push({kind: 'instance', key: `${node.id}\n${mapIndex}`, depth: depth + 1, node, mapIndex});
      }
    }
  };
  walk(structure.roots, 0);
  return rows;
}

// Every task once, as an entirely open tree lists them.
export function inOrder(structure: Structure): TaskNode[] {
  const all = new Set(structure.groups.keys());
  return rowsOf(structure, all, () => []).flatMap((row) => (row.kind === 'task' ? [row.node] : []));
}

// Where an arrow's end is drawn: at the task, or at the outermost closed group around it.
export function shownAs(structure: Structure, open: ReadonlySet<string>, id: string): string {
  return (structure.around.get(id) ?? []).find((group) => !open.has(group)) ?? id;
}

// Arrows between what is shown, each once, with a label where all that it stands for have the same.
export function shownArrows(structure: Structure, open: ReadonlySet<string>): Arrow[] {
  const shown = new Map<string, Arrow>();
  for (const arrow of structure.arrows) {
    const from = shownAs(structure, open, arrow.from);
    const to = shownAs(structure, open, arrow.to);
    if (from === to) continue;
    const key = `${from}\n${to}`;
    const known = shown.get(key);
    if (!known) shown.set(key, {from, to, label: arrow.label});
    else if (known.label !== arrow.label) known.label = null;
  }
  return [...shown.values()];
}
