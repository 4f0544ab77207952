// The tasks in their groups and what they need, coloured by their state in the selected run. Positions come from our own layout;
// React Flow draws, pans and zooms. Seen from far away a task is a block in its state's colour, so 1,000 tasks are still a picture.
import {
  memo,
  useCallback,
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
  MiniMap,
  ReactFlow,
  useReactFlow,
  getViewportForBounds,
  useStore,
  type Edge,
  type Viewport,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import {GraphPicture} from './graph_picture';
import {Far, GroupCard, TaskCard, type GroupCardNode, type TaskCardNode} from './graph_cards';
import {useGroupKeys} from './group_changes';
import {stateClass, stateLabel} from './state';
import type {OpenNodes} from './use_open';
import type {GridCell} from '../api/types';
import {summarise} from '../format/summary';
import {extentOf} from '../graph/layout';
import {layOutNested} from '../graph/nested';
import {shownArrows, type Structure} from '../graph/structure';
import {sameCell, type Cells} from '../live/cells';
import {navigate, taskHref} from '../router';

const kSize = {width: 176, height: 52, gapLayer: 44, gapNode: 20};
const kMiniMapFrom = 40;
const kFarZoom = 0.45;
const kPadding = 28;
const kLeastZoom = 0.03;
// From so many cards on, they are drawn as one picture while they are far away.
const kPictureFrom = 200;

type CardNode = TaskCardNode | GroupCardNode;

interface WatchProps {
  onFar: (far: boolean) => void;
  moved: RefObject<boolean>;
  extent: {width: number; height: number};
}

// Also keeps all of the graph in view while its pane changes size, until the user moves it.
function ViewWatch({onFar, moved, extent}: WatchProps) {
  const far = useStore((store) => store.transform[2] < kFarZoom);
  const width = useStore((store) => store.width);
  const height = useStore((store) => store.height);
  const {setViewport} = useReactFlow();
  const showAll = () => void setViewport(viewOf(extent, width, height));
  useEffect(() => onFar(far), [far, onFar]);
  useEffect(() => {
    if (!moved.current && width > 0 && height > 0) showAll();
  }, [width, height, extent, moved]);
  return <Controls showInteractive={false} onFitView={showAll} />;
}

function viewOf({width, height}: WatchProps['extent'], paneWidth: number, paneHeight: number): Viewport {
  const bounds = {x: 0, y: 0, width, height};
  return getViewportForBounds(bounds, paneWidth, paneHeight, kLeastZoom, 1, `${kPadding}px`);
}

const kNoNodes: CardNode[] = [];
const kNoEdges: Edge[] = [];
const kNodeTypes = {task: memo(TaskCard), box: memo(GroupCard)};

interface Props {
  dag: string;
  run: string | null;
  structure: Structure;
  nodes: OpenNodes;
  cells: Cells;
}

export function DagGraph({dag, run, structure, nodes: {open, toggle}, cells: newest}: Props) {
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
  const layout = useMemo(() => pane && layOutNested(structure, open, kSize, pane), [structure, open, pane]);
  const arrows = useMemo(() => shownArrows(structure, open), [structure, open]);
  const cellOf = useMemo(() => {
    const known = new Map<string, GridCell | undefined>();
    return (id: string): GridCell | undefined => {
      if (run === null) return undefined;
      const group = structure.groups.get(id);
      if (!group) return cells.get(run, id);
      if (!known.has(id)) {
        const within = group.tasks.map((task) => cells.get(run, task));
        known.set(id, summarise(run, id, within));
      }
      return known.get(id);
    };
  }, [structure, run, cells]);

  // A node or edge that looks as before stays the same object, so that one transition redraws one card and not a thousand.
  const drawn = useRef(new Map<string, CardNode>());
  const nodes: CardNode[] = useMemo(() => {
    const previous = drawn.current;
    const next = new Map<string, CardNode>();
    const direction = layout?.direction ?? 'right';
    for (const {id, x, y, width, height, open: isOpen, depth} of layout?.boxes ?? []) {
      const cell = cellOf(id);
      const old = previous.get(id);
      const node = structure.tasks.get(id);
      const group = structure.groups.get(id);
      const common = {id, position: {x, y}, width, height, ariaLabel: `${id}: ${stateLabel(cell?.state)}`};
      let card: CardNode | undefined;
      if (node) {
        card = {...common, type: 'task', zIndex: 1000, data: {node, cell, direction}};
      } else if (group) {
        const zIndex = isOpen ? depth : 1000;
        card = {...common, type: 'box', zIndex, data: {node: group, cell, direction, open: isOpen, toggle}};
      }
      if (card) next.set(id, old && sameCard(old, card) ? old : card);
    }
    drawn.current = next;
    return [...next.values()];
  }, [layout, structure, cellOf, toggle]);
  const drawnEdges = useRef(new Map<string, Edge>());
  const edges: Edge[] = useMemo(() => {
    const next = new Map<string, Edge>();
    for (const {from, to, label} of arrows) {
      const id = `${from}\n${to}`;
      const className =
        cellOf(from)?.state !== 'success' ? '' : cellOf(to)?.state === 'running' ? 'edge-flowing' : 'edge-done';
      const old = drawnEdges.current.get(id);
      const edge: Edge = {id, source: from, target: to, focusable: false, className, zIndex: 500};
      if (label !== null)
        Object.assign(edge, {label, labelShowBg: true, labelBgPadding: [5, 2], labelBgBorderRadius: 4});
      next.set(id, old?.className === className && old.label === edge.label ? old : edge);
    }
    drawnEdges.current = next;
    return [...next.values()];
  }, [arrows, cellOf]);

  const count = layout?.boxes.length ?? 0;
  const extent = useMemo(
    () => extentOf((layout?.boxes ?? []).filter((one) => one.depth === 0).map((one) => ({...one, layer: 0}))),
    [layout],
  );
  const [far, setFar] = useState(structure.tasks.size > kMiniMapFrom);
  const asPicture = far && count > kPictureFrom;
  const choose = useCallback(
    (id: string) => {
      if (structure.groups.has(id)) toggle(id);
      else if (run !== null) navigate(taskHref(dag, run, id));
    },
    [structure, toggle, dag, run],
  );
  const groupKeys = useGroupKeys();
  const labelOf = useCallback((id: string) => structure.groups.get(id)?.label ?? id, [structure]);
  return (
    <div
      ref={box}
      className="graph"
      onKeyDown={(event) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id'];
        const group = id === undefined ? undefined : structure.groups.get(id);
        if (group && !event.ctrlKey && !event.metaKey && groupKeys(event.key, group)) event.preventDefault();
        if ((event.key === 'Enter' || event.key === ' ') && id !== undefined) choose(id);
      }}
    >
      {layout && (
        <Far.Provider value={far}>
          <ReactFlow
            nodes={asPicture ? kNoNodes : nodes}
            edges={asPicture ? kNoEdges : edges}
            nodeTypes={kNodeTypes}
            onNodeClick={(_, node) => {
              // An open group is closed by its head: most of it is where one drags the picture.
              if (node.type === 'task' || !node.data.open) choose(node.id);
            }}
            defaultViewport={pane ? viewOf(extent, pane.width, pane.height) : {x: 0, y: 0, zoom: 1}}
            onMoveStart={(event) => {
              if (event) moved.current = true;
            }}
            minZoom={kLeastZoom}
            maxZoom={2}
            nodesDraggable={false}
            nodesConnectable={false}
            elementsSelectable={false}
            nodesFocusable
            onlyRenderVisibleElements={count > 200}
            zoomOnDoubleClick={false}
            panOnScroll
            proOptions={{hideAttribution: true}}
          >
            <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
            <ViewWatch onFar={setFar} moved={moved} extent={extent} />
            {asPicture && (
              <GraphPicture
                boxes={layout.boxes}
                arrows={arrows}
                direction={layout.direction}
                cellOf={cellOf}
                labelOf={labelOf}
                onChoose={choose}
              />
            )}
            {count >= kMiniMapFrom && !asPicture && (
              <MiniMap
                pannable
                zoomable
                nodeClassName={(node: CardNode) =>
                  node.type === 'box' && node.data.open ? 'minimap-group' : stateClass(node.data.cell?.state)
                }
                nodeBorderRadius={10}
              />
            )}
          </ReactFlow>
        </Far.Provider>
      )}
    </div>
  );
}

function sameCard(one: CardNode, other: CardNode): boolean {
  return (
    one.data.node === other.data.node &&
    one.data.direction === other.data.direction &&
    sameCell(one.data.cell, other.data.cell) &&
    one.position.x === other.position.x &&
    one.position.y === other.position.y &&
    one.width === other.width &&
    one.height === other.height &&
    (one.type !== 'box' || other.type !== 'box' || one.data.open === other.data.open)
  );
}
