// DAGs, assets, aliases and watches with what is between them. Positions come from our own layout; React Flow draws, pans and
// zooms. Very many, seen from far away, are one picture, as in a DAG's graph.
import {memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject} from 'react';
import {
  Background,
  BackgroundVariant,
  Controls,
  getViewportForBounds,
  MarkerType,
  MiniMap,
  ReactFlow,
  useReactFlow,
  useStore,
  type Edge,
  type Viewport,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import {classOf, DependencyCard, pageOf, sayNode, type DependencyCardNode, type SideShown} from './dependency_card';
import {Far} from './graph_cards';
import {GraphPicture} from './graph_picture';
import type {DependencyKind, DependencyNode} from '../api/dependency_types';
import type {GridCell} from '../api/types';
import {layOutDependencies, type Line, type Side} from '../graph/dependencies';
import {extentOf, type Placed} from '../graph/layout';
import {navigate} from '../router';

const kSize = {width: 196, height: 50, gapLayer: 84, gapNode: 24};
const kMiniMapFrom = 40;
const kFarZoom = 0.4;
const kPadding = 28;
const kLeastZoom = 0.03;
const kPictureFrom = 200;
// A node that was looked for is not shown smaller than this.
const kReadableZoom = 0.6;

// What a line says, in the words of who stands at its beginning.
const kSaid: Record<DependencyKind, string> = {
  produces: 'makes',
  consumes: 'starts',
  triggers: 'triggers',
  attaches: 'stands for',
  watches: 'watches',
  waits_for: 'is waited for by',
  reads: 'is read by',
};

interface WatchProps {
  onFar: (far: boolean) => void;
  moved: RefObject<boolean>;
  extent: {width: number; height: number};
  aim: Placed | null;
}

// Keeps all of the graph in view while its pane changes size, until the user moves it; and brings what is looked at into view where
// all of it would be too small to read.
function ViewWatch({onFar, moved, extent, aim}: WatchProps) {
  const far = useStore((store) => store.transform[2] < kFarZoom);
  const width = useStore((store) => store.width);
  const height = useStore((store) => store.height);
  const {setViewport} = useReactFlow();
  const showAll = useCallback(() => {
    void setViewport(viewOf(extent, width, height));
  }, [extent, width, height, setViewport]);
  useEffect(() => onFar(far), [far, onFar]);
  useEffect(() => {
    if (width === 0 || height === 0 || moved.current) return;
    const zoom = Math.min(1, (width - 2 * kPadding) / extent.width, (height - 2 * kPadding) / extent.height);
    if (aim === null || zoom >= kReadableZoom) return showAll();
    const x = width / 2 - (aim.x + aim.width / 2) * kReadableZoom;
    const y = height / 2 - (aim.y + aim.height / 2) * kReadableZoom;
    void setViewport({x, y, zoom: kReadableZoom});
  }, [aim, extent, width, height, moved, setViewport, showAll]);
  return <Controls showInteractive={false} onFitView={showAll} />;
}

function viewOf({width, height}: WatchProps['extent'], paneWidth: number, paneHeight: number): Viewport {
  return getViewportForBounds({x: 0, y: 0, width, height}, paneWidth, paneHeight, kLeastZoom, 1, `${kPadding}px`);
}

const kNodeTypes = {dependency: memo(DependencyCard)};
const kNoNodes: DependencyCardNode[] = [];
const kNoEdges: Edge[] = [];

interface Props {
  nodes: readonly DependencyNode[];
  lines: readonly Line[];
  // Which node is looked at, and what is up- and downstream of it; empty when none is.
  centre: string | null;
  sides: ReadonlyMap<string, Side>;
  onCentre: (id: string) => void;
}

export function DependencyGraph({nodes, lines, centre, sides, onCentre}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const [pane, setPane] = useState<{width: number; height: number} | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element) setPane({width: element.clientWidth - 2 * kPadding, height: element.clientHeight - 2 * kPadding});
  }, []);
  // The shape of the graph, as one text: where only states have changed nothing moves.
  const shape = JSON.stringify([nodes.map((node) => node.id), lines.map((line) => line.id)]);
  const placed = useMemo(
    () =>
      pane === null
        ? []
        : layOutDependencies(
            nodes.map((node) => node.id),
            lines,
            kSize,
            pane,
          ),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [shape, pane],
  );
  const extent = useMemo(() => extentOf(placed), [placed]);
  const aim = useMemo(() => placed.find((one) => one.id === centre) ?? null, [placed, centre]);
  useEffect(() => {
    moved.current = false;
  }, [centre, shape]);

  const byId = useMemo(() => new Map(nodes.map((node) => [node.id, node])), [nodes]);
  const sideOf = useCallback(
    (id: string): SideShown => (centre === null ? null : (sides.get(id) ?? 'apart')),
    [centre, sides],
  );
  const cards = useMemo(
    () =>
      placed.flatMap(({id, x, y, width, height}): DependencyCardNode[] => {
        const node = byId.get(id);
        if (!node) return [];
        const side = sideOf(id);
        const ariaLabel = sayNode(node, side);
        return [{id, type: 'dependency', position: {x, y}, width, height, ariaLabel, data: {node, side, onCentre}}];
      }),
    [placed, byId, sideOf, onCentre],
  );
  const edges = useMemo(() => lines.map((line) => edgeOf(line, sideOf)), [lines, sideOf]);

  const [far, setFar] = useState(nodes.length > kMiniMapFrom);
  const count = nodes.length;
  const asPicture = far && count > kPictureFrom;
  const open = useCallback(
    (id: string) => {
      const node = byId.get(id);
      const href = node ? pageOf(node) : null;
      if (href === null) onCentre(id);
      else navigate(href);
    },
    [byId, onCentre],
  );
  const boxes = useMemo(() => placed.map((one) => ({...one, kind: 'task' as const, open: false, depth: 0})), [placed]);
  const arrows = useMemo(() => lines.map(({source, target}) => ({from: source, to: target, label: null})), [lines]);
  return (
    <div
      ref={box}
      className="graph dependency-graph"
      onKeyDown={(event) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id'];
        if (id === undefined || event.ctrlKey || event.metaKey) return;
        if (event.key === 'Enter') open(id);
        else if (event.key === ' ') onCentre(id);
        else return;
        event.preventDefault();
      }}
    >
      {pane && (
        <Far.Provider value={far}>
          <ReactFlow
            nodes={asPicture ? kNoNodes : cards}
            edges={asPicture ? kNoEdges : edges}
            nodeTypes={kNodeTypes}
            onNodeClick={(_, node) => open(node.id)}
            defaultViewport={viewOf(extent, pane.width + 2 * kPadding, pane.height + 2 * kPadding)}
            onMoveStart={(event) => {
              if (event) moved.current = true;
            }}
            minZoom={kLeastZoom}
            maxZoom={2}
            nodesDraggable={false}
            nodesConnectable={false}
            elementsSelectable={false}
            nodesFocusable
            onlyRenderVisibleElements={count > kPictureFrom}
            zoomOnDoubleClick={false}
            panOnScroll
            proOptions={{hideAttribution: true}}
          >
            <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
            <ViewWatch onFar={setFar} moved={moved} extent={extent} aim={aim} />
            {asPicture && (
              <GraphPicture
                boxes={boxes}
                arrows={arrows}
                direction="right"
                cellOf={(id) => cellOf(byId.get(id))}
                labelOf={(id) => byId.get(id)?.label ?? id}
                titleOf={(id) => sayNode(byId.get(id) as DependencyNode, sideOf(id))}
                formOf={(id) => `picture-${byId.get(id)?.kind ?? ''}${sideOf(id) === 'apart' ? ' picture-away' : ''}`}
                onChoose={open}
              />
            )}
            {count >= kMiniMapFrom && !asPicture && (
              <MiniMap
                pannable
                zoomable
                nodeClassName={(node: DependencyCardNode) => classOf(node.data.node)}
                nodeBorderRadius={10}
              />
            )}
          </ReactFlow>
        </Far.Provider>
      )}
    </div>
  );
}

// Of a cell only its state is drawn.
function cellOf(node: DependencyNode | undefined): GridCell | undefined {
  return node?.kind === 'dag' ? ({state: node.last_run_state} as GridCell) : undefined;
}

function edgeOf(line: Line, sideOf: (id: string) => SideShown): Edge {
  const kind = line.kinds[0] as DependencyKind;
  const lit = [sideOf(line.source), sideOf(line.target)].every((side) => side !== 'apart' && side !== null);
  const arrow = {
    type: MarkerType.ArrowClosed,
    width: 16,
    height: 16,
    color: lit ? 'var(--accent)' : 'var(--line-strong)',
  };
  const away = sideOf(line.source) !== null && !lit;
  return {
    id: line.id,
    source: line.source,
    target: line.target,
    focusable: false,
    className: `line-${kind}${lit ? ' line-lit' : ''}${away ? ' line-away' : ''}`,
    markerEnd: arrow,
    ...(line.back.length > 0 ? {markerStart: {...arrow, orient: 'auto-start-reverse'}} : {}),
    ariaLabel: line.edges.map((edge) => `${edge.source} ${kSaid[edge.kind]} ${edge.target}`).join(', '),
    ...(kind === 'triggers' || kind === 'waits_for'
      ? {
          label: kind === 'triggers' ? 'triggers' : 'waits',
          labelShowBg: true,
          labelBgPadding: [5, 2],
          labelBgBorderRadius: 4,
        }
      : {}),
  };
}
