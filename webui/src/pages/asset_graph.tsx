// One graph of all assets: which DAGs make, read and are started by what, over the whole installation, or what is up- and
// downstream of one node.
import {useCallback, useMemo, useState} from 'react';
import {useDependencies} from '../api/queries';
import type {Dependencies, DependencyNode} from '../api/dependency_types';
import {AssetHead} from '../components/asset_head';
import {kKindNames, pageOf} from '../components/dependency_card';
import {DependencyGraph} from '../components/dependency_graph';
import {DependencyLegend} from '../components/dependency_legend';
import {NodeSearch} from '../components/node_search';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Segments} from '../components/segments';
import {Shell} from '../components/shell';
import {linesOf, sidesOf, type Reach, type Side} from '../graph/dependencies';
import {useLive} from '../live/use_live';
import {Link, setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

// More than so many are drawn only when that is asked for: a picture that nobody can read.
const kMostAtOnce = 1000;
const kReaches: readonly Reach[] = ['both', 'upstream', 'downstream'];
const kNoSides: ReadonlyMap<string, Side> = new Map();
const kNothing: Dependencies = {nodes: [], edges: [], lone_dags: 0};

export function AssetGraphPage() {
  useLive(null);
  const query = useDependencies();
  const chosen = useSearchParam('node');
  const only = useSearchParam('only') !== null;
  const asked = useSearchParam('reach') as Reach;
  const reach = kReaches.includes(asked) ? asked : 'both';
  const [all, setAll] = useState(false);
  const graph = query.data ?? kNothing;
  const centre = useMemo(() => nodeOf(graph, chosen), [graph, chosen]);
  const sides = useMemo(
    () => (centre === null ? kNoSides : sidesOf(graph.edges, centre.id, reach)),
    [graph.edges, centre, reach],
  );
  const shown = useMemo(() => {
    return only && centre !== null ? graph.nodes.filter((one) => sides.has(one.id)) : graph.nodes;
  }, [graph.nodes, only, centre, sides]);
  const lines = useMemo(() => {
    const ids = new Set(shown.map((one) => one.id));
    return linesOf(graph.edges).filter(({source, target}) => ids.has(source) && ids.has(target));
  }, [graph.edges, shown]);
  const look = useCallback((id: string) => setSearchParams({node: id}), []);
  const leave = () => setSearchParams({node: null, only: null, reach: null});
  useShortcuts({o: () => centre && setSearchParams({only: only ? null : '1'}), Escape: leave});
  const tooMany = shown.length > kMostAtOnce && !all;
  return (
    <Shell crumbs={centre === null ? [] : [{text: centre.label}]} fill>
      <div className="dag-page">
        <AssetHead>
          <NodeSearch nodes={graph.nodes} onFind={look} />
          {centre !== null && (
            <Looked
              node={centre}
              sides={sides}
              only={only}
              reach={reach}
              onOnly={() => setSearchParams({only: only ? null : '1'})}
              onLeave={leave}
            />
          )}
        </AssetHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {chosen !== null && centre === null && query.data && (
          <p className="notice" role="status">
            {chosen.startsWith('dag:')
              ? `The DAG ${chosen.slice(4)} has to do with no asset and no other DAG.`
              : `Nothing is called ${chosen} in the graph: it may have been removed, or renamed.`}
          </p>
        )}
        <section className="card pane dependency-pane" aria-label="Graph of all assets">
          {query.isPending && <Skeleton rows={6} />}
          {query.data && shown.length === 0 && <Nothing lone={graph.lone_dags} />}
          {tooMany && <TooMany graph={graph} onAll={() => setAll(true)} />}
          {shown.length > 0 && !tooMany && (
            <>
              <DependencyGraph nodes={shown} lines={lines} centre={centre?.id ?? null} sides={sides} onCentre={look} />
              <DependencyLegend />
              {graph.lone_dags > 0 && !only && (
                <p className="lone-dags faint">
                  {graph.lone_dags === 1 ? '1 DAG has' : `${graph.lone_dags} DAGs have`} to do with no other, and{' '}
                  {graph.lone_dags === 1 ? 'is' : 'are'} not drawn
                </p>
              )}
            </>
          )}
        </section>
      </div>
    </Shell>
  );
}

function nodeOf(graph: Dependencies, id: string | null): DependencyNode | null {
  return id === null ? null : (graph.nodes.find((one) => one.id === id) ?? null);
}

interface LookedProps {
  node: DependencyNode;
  sides: ReadonlyMap<string, Side>;
  only: boolean;
  reach: Reach;
  onOnly: () => void;
  onLeave: () => void;
}

function Looked({node, sides, only, reach, onOnly, onLeave}: LookedProps) {
  const count = (one: Side) => [...sides.values()].filter((side) => side === one || side === 'both').length;
  const href = pageOf(node);
  return (
    <div className="looked" data-centre={node.id}>
      <span className="faint">{kKindNames[node.kind]}</span>
      {href === null ? <strong>{node.label}</strong> : <Link href={href}>{node.label}</Link>}
      <Segments
        label="Which side"
        choices={[
          ['both', 'Both sides', 'What leads to it, and what it leads to'],
          ['upstream', `Upstream ${reach === 'downstream' ? '' : count('upstream')}`, 'What leads to it'],
          ['downstream', `Downstream ${reach === 'upstream' ? '' : count('downstream')}`, 'What it leads to'],
        ]}
        value={reach}
        onChoose={(side) => setSearchParams({reach: side === 'both' ? null : side})}
      />
      <button
        type="button"
        className="switch"
        role="switch"
        aria-checked={only}
        title="Leave out the rest (o)"
        onClick={onOnly}
      >
        <span className="switch-track">
          <span className="switch-thumb" />
        </span>
        Only these
      </button>
      <button type="button" className="button button-small" title="Escape" onClick={onLeave}>
        Show all
      </button>
    </div>
  );
}

function Nothing({lone}: {lone: number}) {
  return (
    <Empty title="No DAG has to do with another yet">
      <p>
        A task that says <code>outlets: [orders]</code> makes the asset “orders”, a DAG with{' '}
        <code>{'schedule: {datasets: [orders]}'}</code> is started by it; a task that says <code>inlets: [orders]</code>{' '}
        reads it. Tasks of the kinds <code>trigger_dag</code> and <code>sensor_external_task</code> join DAGs directly.
      </p>
      {lone > 0 && (
        <Link href="/" className="button">
          {lone === 1 ? 'The 1 DAG there is' : `The ${lone} DAGs there are`}
        </Link>
      )}
    </Empty>
  );
}

function TooMany({graph, onAll}: {graph: Dependencies; onAll: () => void}) {
  // From where most is to be seen.
  const joined = new Map<string, number>();
  for (const {source, target} of graph.edges)
    for (const id of [source, target]) joined.set(id, (joined.get(id) ?? 0) + 1);
  const busiest = [...graph.nodes].sort((a, b) => (joined.get(b.id) ?? 0) - (joined.get(a.id) ?? 0)).slice(0, 10);
  return (
    <Empty title={`${graph.nodes.length.toLocaleString('en')} DAGs and assets are more than one can read`}>
      <p>Search for one (/), or begin with one that many have to do with:</p>
      <p className="chips busiest">
        {busiest.map((node) => (
          <button
            key={node.id}
            type="button"
            className="chip"
            onClick={() => setSearchParams({node: node.id, only: '1'})}
          >
            {node.label} <span className="faint">{joined.get(node.id)}</span>
          </button>
        ))}
      </p>
      <button type="button" className="button" onClick={onAll}>
        Draw all of them
      </button>
    </Empty>
  );
}
