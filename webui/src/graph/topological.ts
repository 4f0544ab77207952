// Tasks so that each comes after what it needs, and otherwise as the file has them: the rows of the grid.

export function topological<T extends {task_id: string; downstream_task_ids: readonly string[]}>(
  tasks: readonly T[],
): T[] {
  const place = new Map(tasks.map((task, i) => [task.task_id, i]));
  const waiting = tasks.map(() => 0);
  for (const task of tasks) {
    for (const next of task.downstream_task_ids) {
      const i = place.get(next);
      if (i !== undefined) waiting[i] = (waiting[i] ?? 0) + 1;
    }
  }
  const layers: number[][] = [tasks.map((_, i) => i).filter((i) => waiting[i] === 0)];
  const done = new Set<number>();
  for (let layer = layers[0] as number[]; layer.length > 0;) {
    const next: number[] = [];
    for (const i of layer) {
      done.add(i);
      for (const id of (tasks[i] as T).downstream_task_ids) {
        const to = place.get(id);
        if (to === undefined) continue;
        waiting[to] = (waiting[to] ?? 0) - 1;
        if (waiting[to] === 0) next.push(to);
      }
    }
    next.sort((a, b) => a - b);
    layers.push(next);
    layer = next;
  }
  const ordered = layers.flat().map((i) => tasks[i] as T);
  // A cycle cannot arrive from the server; should one, its tasks are shown last instead of not at all.
  return ordered.concat(tasks.filter((_, i) => !done.has(i)));
}
