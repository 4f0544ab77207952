// The tasks and what they need, coloured by their state in the selected run. Positions come from our own layout; React Flow
// draws, pans and zooms. Seen from far away a task is a block in its state's colour, so 1,000 tasks are still a picture.
import {memo, useLayoutEffect, useMemo, useRef, useState} from 'react';
import {
  Background, BackgroundVariant, Controls, Handle, MiniMap, Position, ReactFlow, useStore, type Edge, type Node, type NodeProps,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import {stateClass, stateLabel} from './state';
import {Lasted} from './times';
import type {GridCell, Task, TaskState} from '../api/types';
import {layOut, type Direction} from '../graph/layout';
import {cellKey} from '../live/patch';
import {navigate, taskHref} from '../router';

const kSize = {width: 176, height: 52, gapLayer: 44, gapNode: 20};
const kMiniMapFrom = 40;
const kFarZoom = 0.45;
const kPadding = 28;

type TaskNode = Node<{task: Task; cell: GridCell | undefined; direction: Direction}, 'task'>;

const kNodeTypes = {task: memo(TaskCard)};

function TaskCard({data}: NodeProps<TaskNode>) {
  const {task, cell, direction} = data;
  const far = useStore((store) => store.transform[2] < kFarZoom);
  const state = cell?.state ?? null;
  return (
    <div className={`task-card ${stateClass(state)}`} data-far={far || undefined} title={far ? task.task_id : undefined} data-task={task.task_id} data-state={state ?? 'none'}>
      <Handle type="target" position={direction === 'right' ? Position.Left : Position.Top} isConnectable={false} />
      {!far && <>
      <span className="task-card-name" title={task.task_id}>{task.task_display_name ?? task.task_id}</span>
      <span className="task-card-line">
        <span className="task-card-kind">{task.operator_name ?? ''}</span>
        <span className="task-card-state">
          {cell?.start_date ? <Lasted start={cell.start_date} end={cell.end_date} /> : stateLabel(state)}
          {cell && cell.try_number > 1 && <span title={`attempt ${cell.try_number}`}> · {cell.try_number}×</span>}
        </span>
      </span>
      </>}
      <Handle type="source" position={direction === 'right' ? Position.Right : Position.Bottom} isConnectable={false} />
    </div>
  );
}

interface Props {
  dag: string;
  run: string | null;
  tasks: Task[];
  cells: Map<string, GridCell>;
}

export function DagGraph({dag, run, tasks, cells}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [pane, setPane] = useState<{width: number; height: number} | null>(null);
  // Measured once: a graph that turns while somebody drags the window's edge would be no help.
  useLayoutEffect(() => {
    const element = box.current;
    if (element) setPane({width: element.clientWidth - 2 * kPadding, height: element.clientHeight - 2 * kPadding - 24});
  }, []);
  const layout = useMemo(
    () => pane && layOut(tasks.map((task) => ({id: task.task_id, next: task.downstream_task_ids})), kSize, pane),
    [tasks, pane],
  );
  const byId = useMemo(() => new Map(tasks.map((task) => [task.task_id, task])), [tasks]);
  const stateOf = (task: string): TaskState | null => (run === null ? null : (cells.get(cellKey(run, task))?.state ?? null));

  const nodes: TaskNode[] = useMemo(() => (layout?.placed ?? []).flatMap(({id, x, y}) => {
    const task = byId.get(id);
    if (!task) return [];
    const cell = run === null ? undefined : cells.get(cellKey(run, id));
    return [{
      id, type: 'task' as const, position: {x, y}, width: kSize.width, height: kSize.height, data: {task, cell, direction: layout?.direction ?? 'right'},
      ariaLabel: `${id}: ${stateLabel(cell?.state)}`,
    }];
  }), [layout, byId, run, cells]);
  const edges: Edge[] = useMemo(() => tasks.flatMap((task) =>
    task.downstream_task_ids.filter((next) => byId.has(next)).map((next) => ({
      id: `${task.task_id}\n${next}`, source: task.task_id, target: next, focusable: false,
      className: stateOf(task.task_id) === 'success' ? (stateOf(next) === 'running' ? 'edge-flowing' : 'edge-done') : '',
    }))), [tasks, byId, run, cells]);

  const open = (id: string) => {
    if (run !== null) navigate(taskHref(dag, run, id));
  };
  return (
    <div ref={box} className="graph" onKeyDown={(event) => {
      const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id'];
      if (event.key === 'Enter' && id !== undefined) open(id);
    }}>
      {layout && <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={kNodeTypes}
        onNodeClick={(_, node) => open(node.id)}
        fitView fitViewOptions={{padding: `${kPadding}px`, maxZoom: 1}} minZoom={0.03} maxZoom={2}
        nodesDraggable={false} nodesConnectable={false} elementsSelectable={false} nodesFocusable
        onlyRenderVisibleElements={tasks.length > 200} zoomOnDoubleClick={false} panOnScroll
        proOptions={{hideAttribution: true}}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
        <Controls showInteractive={false} />
        {tasks.length >= kMiniMapFrom && (
          <MiniMap pannable zoomable nodeClassName={(node: TaskNode) => stateClass(node.data.cell?.state)} nodeBorderRadius={10} />
        )}
      </ReactFlow>}
    </div>
  );
}
