// A node of the graph of all assets as a card: what it is by its form and sign, how it stands by its colour and its words.
import {useContext} from 'react';
import {Handle, Position, type Node, type NodeProps} from '@xyflow/react';
import {Far} from './graph_cards';
import {AliasIcon, CentreIcon, DagIcon, DatasetIcon, WarnIcon, WatchIcon} from './icons';
import {stateClass, stateLabel} from './state';
import {Ago} from './times';
import type {DependencyNode} from '../api/dependency_types';
import type {Side} from '../graph/dependencies';
import {assetHref, dagHref} from '../router';

// `side` is null when no node is looked at, `apart` for those that have nothing to do with the one that is.
export type SideShown = Side | 'apart' | null;
export type DependencyCardNode = Node<
  {node: DependencyNode; side: SideShown; onCentre: (id: string) => void},
  'dependency'
>;

export const kKindNames: Record<DependencyNode['kind'], string> = {
  dag: 'DAG',
  dataset: 'Asset',
  alias: 'Alias',
  watch: 'Watch',
};
const kSideNames: Record<Side, string> = {
  self: 'looked at',
  upstream: 'upstream',
  downstream: 'downstream',
  both: 'up- and downstream',
};

export function KindIcon({kind}: {kind: DependencyNode['kind']}) {
  const Icon = {dag: DagIcon, dataset: DatasetIcon, alias: AliasIcon, watch: WatchIcon}[kind];
  return <Icon />;
}

// Where a node has a page of its own: a watch is shown with its DAG.
export function pageOf(node: DependencyNode): string | null {
  if (node.kind === 'dag') return node.is_missing ? null : dagHref(node.label);
  if (node.kind === 'dataset') return assetHref(node.asset_id);
  return node.kind === 'watch' ? dagHref(node.dag_id) : null;
}

// How it stands, in a word; what is read to who does not see the picture.
export function standingOf(node: DependencyNode): string {
  switch (node.kind) {
    case 'dag':
      if (node.is_missing) return 'not defined';
      return `${node.last_run_state === null ? 'no run yet' : stateLabel(node.last_run_state)}${node.is_paused ? ', paused' : ''}`;
    case 'dataset':
      return node.updated_at === null ? 'never updated' : 'updated';
    case 'alias':
      return 'alias';
    case 'watch':
      return node.failure === null ? node.task_kind : 'fails';
  }
}

export function sayNode(node: DependencyNode, side: SideShown): string {
  const where = side === null || side === 'apart' ? '' : `, ${kSideNames[side]}`;
  return `${kKindNames[node.kind]} ${node.label}: ${standingOf(node)}${where}`;
}

export function classOf(node: DependencyNode): string {
  if (node.kind === 'dag') return node.is_missing ? 's-missing' : stateClass(node.last_run_state);
  if (node.kind === 'watch') return node.failure === null ? 's-none' : 's-failed';
  return 's-none';
}

function Standing({node}: {node: DependencyNode}) {
  if (node.kind === 'dataset' && node.updated_at !== null)
    return (
      <>
        updated <Ago value={node.updated_at} />
      </>
    );
  if (node.kind === 'watch' && node.failure === null && node.changed_at !== null)
    return (
      <>
        changed <Ago value={node.changed_at} />
      </>
    );
  if (node.kind === 'alias' && node.group !== '') return <>{node.group}</>;
  return <>{standingOf(node)}</>;
}

function detailOf(node: DependencyNode): string {
  if (node.kind === 'dataset' && node.uri !== node.label) return `${node.label}\n${node.uri}`;
  if (node.kind === 'watch')
    return [node.label, `${node.task_kind} of ${node.dag_id}`, node.failure].filter(Boolean).join('\n');
  if (node.kind === 'dag' && node.is_missing) return `${node.label}\nSome DAG names it, and no DAG file defines it`;
  return node.label;
}

export function DependencyCard({data: {node, side, onCentre}}: NodeProps<DependencyCardNode>) {
  const far = useContext(Far);
  return (
    <div
      className={`node-card node-${node.kind} ${classOf(node)}`}
      data-far={far || undefined}
      data-node={node.id}
      data-side={side ?? undefined}
      title={far ? sayNode(node, side) : detailOf(node)}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
      {!far && (
        <>
          {side !== null && side !== 'apart' && <span className="node-side">{kSideNames[side]}</span>}
          <span className="node-name">
            <KindIcon kind={node.kind} />
            <span>{node.label}</span>
            {side !== 'self' && (
              <button
                type="button"
                className="node-centre nopan"
                tabIndex={-1}
                aria-label={`Look at ${node.label}`}
                title="What leads to it, and what it leads to (Space)"
                onClick={(event) => {
                  event.stopPropagation();
                  onCentre(node.id);
                }}
              >
                <CentreIcon />
              </button>
            )}
          </span>
          <span className="node-line">
            {((node.kind === 'watch' && node.failure !== null) || (node.kind === 'dag' && node.is_missing)) && (
              <WarnIcon />
            )}
            {node.kind === 'dag' && !node.is_missing && <StateSign node={node} />}
            <Standing node={node} />
          </span>
        </>
      )}
    </div>
  );
}

// The state's form beside its colour: crossed, ringed, full, or hollow.
function StateSign({node}: {node: Extract<DependencyNode, {kind: 'dag'}>}) {
  return <span className={`node-sign ${stateClass(node.last_run_state)}`} aria-hidden="true" />;
}
