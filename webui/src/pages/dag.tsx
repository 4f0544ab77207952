// One DAG: its runs as a grid on the left, the selected run as a graph or a gantt on the right. The selected run is part
// of the address; without one it is the newest.
import {useMemo, useState} from 'react';
import {useCan, useDag, useGraph, useGrid, useTasks} from '../api/queries';
import type {DagDetails} from '../api/types';
import {BackfillDialog} from '../components/backfill_dialog';
import {useCurrentInView} from '../components/current_in_view';
import {DagCalendar} from '../components/dag_calendar';
import {DagChecks} from '../components/dag_checks';
import {DagCode} from '../components/dag_code';
import {DagDurations} from '../components/dag_durations';
import {DagGrid} from '../components/dag_grid';
import {FavoriteStar, useFavorite} from '../components/favorite_star';
import {GroupChanges} from '../components/group_changes';
import {PlayIcon} from '../components/icons';
import {ImportErrors} from '../components/import_errors';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {PauseSwitch, usePause} from '../components/pause_switch';
import {RunPanel} from '../components/run_panel';
import {Shell} from '../components/shell';
import {Ago, Time} from '../components/times';
import {TriggerDialog} from '../components/trigger_dialog';
import {useOpen} from '../components/use_open';
import {inTime} from '../format/durations';
import {scheduleText} from '../format/schedule';
import {structureOf} from '../graph/structure';
import {Cells} from '../live/cells';
import {useLive} from '../live/use_live';
import {
  assetGraphHref,
  dagHref,
  dagTabHref,
  kDagTabs,
  Link,
  navigate,
  setSearchParams,
  useSearchParam,
  type DagTab,
} from '../router';
import {useShortcuts} from '../shortcuts';
import {Backfills} from './backfills';

const kCheckKinds = ['check', 'mapreduce'];
const kRunCounts = [25, 50, 100];
const kNone = structureOf([], undefined);

export function DagPage({dag, tab}: {dag: string; tab: DagTab}) {
  useLive(dag);
  const [dialog, setDialog] = useState<'trigger' | 'backfill' | null>(null);
  const details = useDag(dag);
  const pause = usePause(dag);
  const mark = useFavorite();
  const writes = useCan('write');
  const tabs = useTabs(dag, tab);
  const here = tabs.indexOf(tab);
  useShortcuts({
    ...(writes
      ? {
          t: () => setDialog('trigger'),
          b: () => setDialog('backfill'),
          p: () => details.data && pause.mutate(!details.data.is_paused),
        }
      : {}),
    s: () => details.data && mark.mutate({dag, favorite: !details.data.is_favorite}),
    u: () => navigate(tab === 'runs' ? '/' : dagHref(dag)),
    v: () => navigate(dagTabHref(dag, tabs[(here + 1) % tabs.length] ?? 'runs')),
  });
  return (
    <Shell crumbs={[{text: dag}]} fill>
      <div className="dag-page">
        {details.data?.fileloc && <ImportErrors file={details.data.fileloc} />}
        {details.data && <DagHead details={details.data} tab={tab} onTrigger={() => setDialog('trigger')} />}
        {details.isError && <ErrorNotice error={details.error} retry={() => void details.refetch()} />}
        {tab === 'runs' && !(details.isError && !details.data) && (
          <DagRuns dag={dag} onTrigger={() => setDialog('trigger')} />
        )}
        {tab === 'calendar' && !(details.isError && !details.data) && <DagCalendar dag={dag} />}
        {tab === 'durations' && !(details.isError && !details.data) && <DagDurations dag={dag} />}
        {tab === 'checks' && !(details.isError && !details.data) && <DagChecks dag={dag} />}
        {tab === 'backfills' && (
          <div className="list-page dag-tab">
            <Backfills dag={dag} onNew={() => setDialog('backfill')} />
          </div>
        )}
        {tab === 'code' && <DagCode dag={dag} />}
      </div>
      {dialog === 'trigger' && (
        <TriggerDialog
          dag={dag}
          onClose={() => setDialog(null)}
          onTriggered={(run) => navigate(dagHref(dag, run.dag_run_id), 'replace')}
        />
      )}
      {dialog === 'backfill' && <BackfillDialog dag={dag} onClose={() => setDialog(null)} />}
    </Shell>
  );
}

const kTabNames: Record<DagTab, string> = {
  runs: 'Runs',
  calendar: 'Calendar',
  durations: 'Durations',
  checks: 'Checks',
  backfills: 'Backfills',
  code: 'Code',
};

// Checks only where a task may leave some.
function useTabs(dag: string, tab: DagTab): DagTab[] {
  const graph = useGraph(dag);
  const checks = graph.data?.tasks.some((task) => kCheckKinds.includes(task.operator_name)) ?? false;
  return kDagTabs.filter((one) => one !== 'checks' || checks || tab === 'checks');
}

function DagTabs({dag, tab}: {dag: string; tab: DagTab}) {
  const tabs = useTabs(dag, tab);
  const nav = useCurrentInView(`${tab} ${tabs.length}`);
  return (
    <nav ref={nav} className="segments" aria-label="Of this DAG">
      {tabs.map((one) => (
        <Link key={one} href={dagTabHref(dag, one)} {...(one === tab ? {'aria-current': 'page' as const} : {})}>
          {kTabNames[one]}
        </Link>
      ))}
    </nav>
  );
}

function DagRuns({dag, onTrigger}: {dag: string; onTrigger: () => void}) {
  const [limit, setLimit] = useState(kRunCounts[0] as number);
  const tasks = useTasks(dag);
  const graph = useGraph(dag);
  const grid = useGrid(dag, limit);
  const chosen = useSearchParam('run');

  const structure = useMemo(
    () => (graph.isPending ? kNone : structureOf(tasks.data?.tasks ?? [], graph.data)),
    [tasks.data, graph.data, graph.isPending],
  );
  const nodes = useOpen(dag, structure);
  useShortcuts({e: () => nodes.toggleAll()});
  const cells = useMemo(() => new Cells(grid.data?.task_instances ?? []), [grid.data]);
  // Columns run from the oldest to the newest, as time does.
  const runs = useMemo(() => inTime(grid.data?.runs ?? []), [grid.data]);
  const newest = useMemo(() => {
    const time = (text?: string | null) => (text ? Date.parse(text) : 0);
    return (
      [...runs].sort((a, b) => time(b.queued_at ?? b.start_date) - time(a.queued_at ?? a.start_date))[0]?.dag_run_id ??
      null
    );
  }, [runs]);
  const selected = chosen ?? newest;

  const error = tasks.error ?? graph.error ?? grid.error;
  return (
    <>
      {error && (
        <ErrorNotice error={error} retry={() => void Promise.all([tasks.refetch(), graph.refetch(), grid.refetch()])} />
      )}
      <GroupChanges dag={dag} run={selected}>
        <div className="dag-panes">
          {grid.isPending || tasks.isPending || graph.isPending ? (
            <div className="card pane">
              <Skeleton rows={8} />
            </div>
          ) : (
            <DagGrid
              dag={dag}
              structure={structure}
              nodes={nodes}
              runs={runs}
              cells={cells}
              selected={selected}
              onSelect={(run) => setSearchParams({run})}
              limit={limit}
              limits={kRunCounts}
              onLimit={setLimit}
            />
          )}
          {selected !== null ? (
            <RunPanel
              dag={dag}
              runId={selected}
              known={runs.find((run) => run.dag_run_id === selected)}
              structure={structure}
              nodes={nodes}
              cells={cells}
            />
          ) : (
            !grid.isPending && (
              <div className="card pane pane-empty">
                <Empty title="No run yet">
                  <button type="button" className="button button-primary" onClick={onTrigger}>
                    <PlayIcon /> Run it now
                  </button>
                </Empty>
              </div>
            )
          )}
        </div>
      </GroupChanges>
    </>
  );
}

function DagHead({details, tab, onTrigger}: {details: DagDetails; tab: DagTab; onTrigger: () => void}) {
  const schedule = scheduleText(details);
  const writes = useCan('write');
  return (
    <header className="dag-head">
      <div className="dag-title">
        <FavoriteStar dag={details.dag_id} favorite={details.is_favorite ?? false} />
        <h1>{details.dag_display_name || details.dag_id}</h1>
        <PauseSwitch dag={details.dag_id} paused={details.is_paused} showText />
        {details.tags.map((tag) => (
          <span key={tag.name} className="tag">
            {tag.name}
          </span>
        ))}
      </div>
      <div className="dag-facts">
        {details.description && (
          <span className="dag-about" title={details.description}>
            {details.description}
          </span>
        )}
        <span title={details.timetable_description ?? ''}>
          {schedule === null ? 'No schedule' : <code>{schedule}</code>}
          {schedule !== null && details.timezone && details.timezone !== 'UTC' && (
            <span className="faint"> {details.timezone}</span>
          )}
        </span>
        {details.next_dagrun_run_after && !details.is_paused && (
          <span>
            Next <Time value={details.next_dagrun_run_after} detail="minutes" />{' '}
            <span className="faint">
              <Ago value={details.next_dagrun_run_after} />
            </span>
          </span>
        )}
        <Link
          href={assetGraphHref(`dag:${details.dag_id}`)}
          title="What starts it and what it starts, among all DAGs and assets"
        >
          Dependencies
        </Link>
        {details.owners.length > 0 && <span className="faint">{details.owners.join(', ')}</span>}
      </div>
      <div className="dag-actions">
        <DagTabs dag={details.dag_id} tab={tab} />
        <button
          type="button"
          hidden={!writes}
          className="button button-primary"
          title="Run it now or for a date (t)"
          onClick={onTrigger}
        >
          <PlayIcon /> Run…
        </button>
      </div>
      {details.doc_md && (
        <details className="dag-doc">
          <summary>About this DAG</summary>
          <p className="doc">{details.doc_md}</p>
        </details>
      )}
    </header>
  );
}
