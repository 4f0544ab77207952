// The tasks and what they need, coloured by their state in the selected run. Positions come from our own layout; React Flow
// draws, pans and zooms. Seen from far away a task is a block in its state's colour, so 1,000 tasks are still a picture.
import {
  createContext,
  memo,
  useContext,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type RefObject,
} from 'react';
import {
  Background,
  BackgroundVariant,
  Controls,
  Handle,
  MiniMap,
  Position,
  ReactFlow,
  useReactFlow,
  useStore,
  type Edge,
  type Node,
  type NodeProps,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import {stateClass, stateLabel} from './state';
import {Lasted} from './times';
import type {GridCell, Task, TaskState} from '../api/types';
import {layOut, type Direction} from '../graph/layout';
import {sameCell, type Cells} from '../live/cells';
import {navigate, taskHref} from '../router';

const kSize = {width: 176, height: 52, gapLayer: 44, gapNode: 20};
const kMiniMapFrom = 40;
const kFarZoom = 0.45;
const kPadding = 28;
const kFit = {padding: `${kPadding}px`, maxZoom: 1} as const;

type TaskNode = Node<{task: Task; cell: GridCell | undefined; direction: Direction}, 'task'>;

// Whether tasks are seen from so far away that text would be noise. One subscription to the zoom, not one a task.
const Far = createContext(false);

// Also keeps all of the graph in view while its pane changes size, until the user moves it.
function ViewWatch({onFar, moved}: {onFar: (far: boolean) => void; moved: RefObject<boolean>}) {
  const far = useStore((store) => store.transform[2] < kFarZoom);
  const width = useStore((store) => store.width);
  const height = useStore((store) => store.height);
  const {fitView} = useReactFlow();
  useEffect(() => onFar(far), [far, onFar]);
  useEffect(() => {
    if (!moved.current && width > 0 && height > 0) void fitView(kFit);
  }, [width, height, fitView, moved]);
  return null;
}

const kNodeTypes = {task: memo(TaskCard)};

function TaskCard({data}: NodeProps<TaskNode>) {
  const {task, cell, direction} = data;
  const far = useContext(Far);
  const state = cell?.state ?? null;
  return (
    <div
      className={`task-card ${stateClass(state)}`}
      data-far={far || undefined}
      title={far ? task.task_id : undefined}
      data-task={task.task_id}
      data-state={state ?? 'none'}
    >
      <Handle type="target" position={direction === 'right' ? Position.Left : Position.Top} isConnectable={false} />
      {!far && (
        <>
          <span className="task-card-name" title={task.task_id}>
            {task.task_display_name ?? task.task_id}
          </span>
          <span className="task-card-line">
            <span className="task-card-kind">{task.operator_name ?? ''}</span>
            <span className="task-card-state">
              {cell?.start_date ? <Lasted start={cell.start_date} end={cell.end_date} /> : stateLabel(state)}
              {cell && cell.try_number > 1 && <span title={`attempt ${cell.try_number}`}> · {cell.try_number}×</span>}
            </span>
          </span>
        </>
      )}
      <Handle type="source" position={direction === 'right' ? Position.Right : Position.Bottom} isConnectable={false} />
    </div>
  );
}

interface Props {
  dag: string;
  run: string | null;
  tasks: Task[];
  cells: Cells;
}

export function DagGraph({dag, run, tasks, cells: newest}: Props) {
  // Drawing a thousand cards may take longer than the next transition: then it is skipped for the one after it.
  const cells = useDeferredValue(newest);
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const [pane, setPane] = useState<{width: number; height: number} | null>(null);
  // Measured once: a graph that turns while somebody drags the window's edge would be no help.
  useLayoutEffect(() => {
    const element = box.current;
    if (element) setPane({width: element.clientWidth - 2 * kPadding, height: element.clientHeight - 2 * kPadding - 24});
  }, []);
  const layout = useMemo(
    () =>
      pane &&
      layOut(
        tasks.map((task) => ({id: task.task_id, next: task.downstream_task_ids})),
        kSize,
        pane,
      ),
    [tasks, pane],
  );
  const byId = useMemo(() => new Map(tasks.map((task) => [task.task_id, task])), [tasks]);
  const stateOf = (task: string): TaskState | null => (run === null ? null : (cells.get(run, task)?.state ?? null));

  // A node or edge that looks as before stays the same object, so that one transition redraws one card and not a thousand.
  const drawn = useRef(new Map<string, TaskNode>());
  const nodes: TaskNode[] = useMemo(() => {
    const previous = drawn.current;
    const next = new Map<string, TaskNode>();
    for (const {id, x, y} of layout?.placed ?? []) {
      const task = byId.get(id);
      if (!task) continue;
      const cell = run === null ? undefined : cells.get(run, id);
      const old = previous.get(id);
      const same =
        old && old.data.task === task && sameCell(old.data.cell, cell) && old.position.x === x && old.position.y === y;
      next.set(
        id,
        same
          ? old
          : {
              id,
              type: 'task',
              position: {x, y},
              width: kSize.width,
              height: kSize.height,
              data: {task, cell, direction: layout?.direction ?? 'right'},
              ariaLabel: `${id}: ${stateLabel(cell?.state)}`,
            },
      );
    }
    drawn.current = next;
    return [...next.values()];
  }, [layout, byId, run, cells]);
  const drawnEdges = useRef(new Map<string, Edge>());
  const edges: Edge[] = useMemo(() => {
    const next = new Map<string, Edge>();
    for (const task of tasks) {
      const done = stateOf(task.task_id) === 'success';
      for (const to of task.downstream_task_ids) {
        if (!byId.has(to)) continue;
        const id = `${task.task_id}\n${to}`;
        const className = !done ? '' : stateOf(to) === 'running' ? 'edge-flowing' : 'edge-done';
        const old = drawnEdges.current.get(id);
        next.set(
          id,
          old?.className === className ? old : {id, source: task.task_id, target: to, focusable: false, className},
        );
      }
    }
    drawnEdges.current = next;
    return [...next.values()];
  }, [tasks, byId, run, cells]);

  const [far, setFar] = useState(tasks.length > kMiniMapFrom);
  const open = (id: string) => {
    if (run !== null) navigate(taskHref(dag, run, id));
  };
  return (
    <div
      ref={box}
      className="graph"
      onKeyDown={(event) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id'];
        if (event.key === 'Enter' && id !== undefined) open(id);
      }}
    >
      {layout && (
        <Far.Provider value={far}>
          <ReactFlow
            nodes={nodes}
            edges={edges}
            nodeTypes={kNodeTypes}
            onNodeClick={(_, node) => open(node.id)}
            fitView
            fitViewOptions={kFit}
            onMoveStart={(event) => {
              if (event) moved.current = true;
            }}
            minZoom={0.03}
            maxZoom={2}
            nodesDraggable={false}
            nodesConnectable={false}
            elementsSelectable={false}
            nodesFocusable
            onlyRenderVisibleElements={tasks.length > 200}
            zoomOnDoubleClick={false}
            panOnScroll
            proOptions={{hideAttribution: true}}
          >
            <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
            <ViewWatch onFar={setFar} moved={moved} />
            <Controls showInteractive={false} />
            {tasks.length >= kMiniMapFrom && (
              <MiniMap
                pannable
                zoomable
                nodeClassName={(node: TaskNode) => stateClass(node.data.cell?.state)}
                nodeBorderRadius={10}
              />
            )}
          </ReactFlow>
        </Far.Provider>
      )}
    </div>
  );
}
