// One DAG: its runs as a grid on the left, the selected run as a graph or a timeline on the right. The selected run is part
// of the address; without one it is the newest.
import {useMemo, useState} from 'react';
import {useDag, useGraph, useGrid, useTasks} from '../api/queries';
import type {DagDetails} from '../api/types';
import {DagGrid} from '../components/dag_grid';
import {PlayIcon} from '../components/icons';
import {ImportErrors} from '../components/import_errors';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {PauseSwitch, usePause} from '../components/pause_switch';
import {RunPanel} from '../components/run_panel';
import {Shell} from '../components/shell';
import {Ago, Time} from '../components/times';
import {TriggerDialog} from '../components/trigger_dialog';
import {useOpen} from '../components/use_open';
import {structureOf} from '../graph/structure';
import {Cells} from '../live/cells';
import {useLive} from '../live/use_live';
import {navigate, setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kRunCounts = [25, 50, 100];
const kNone = structureOf([], undefined);

export function DagPage({dag}: {dag: string}) {
  useLive(dag);
  const [limit, setLimit] = useState(kRunCounts[0] as number);
  const [triggering, setTriggering] = useState(false);
  const details = useDag(dag);
  const tasks = useTasks(dag);
  const graph = useGraph(dag);
  const grid = useGrid(dag, limit);
  const pause = usePause(dag);
  const chosen = useSearchParam('run');
  useShortcuts({
    t: () => setTriggering(true),
    p: () => details.data && pause.mutate(!details.data.is_paused),
    u: () => navigate('/'),
    e: () => nodes.toggleAll(),
  });

  const structure = useMemo(
    () => (graph.isPending ? kNone : structureOf(tasks.data?.tasks ?? [], graph.data)),
    [tasks.data, graph.data, graph.isPending],
  );
  const nodes = useOpen(dag, structure);
  const cells = useMemo(() => new Cells(grid.data?.task_instances ?? []), [grid.data]);
  // Columns run from the oldest to the newest, as time does.
  const runs = useMemo(() => {
    const time = (run: {run_after?: string | null; logical_date?: string | null; queued_at?: string | null}) =>
      run.run_after ?? run.logical_date ?? run.queued_at ?? '';
    return [...(grid.data?.runs ?? [])].sort((a, b) => Date.parse(time(a)) - Date.parse(time(b)));
  }, [grid.data]);
  const newest = useMemo(() => {
    const time = (text?: string | null) => (text ? Date.parse(text) : 0);
    return (
      [...runs].sort((a, b) => time(b.queued_at ?? b.start_date) - time(a.queued_at ?? a.start_date))[0]?.dag_run_id ??
      null
    );
  }, [runs]);
  const selected = chosen ?? newest;

  const error = details.error ?? tasks.error ?? grid.error;
  return (
    <Shell crumbs={[{text: 'DAGs', href: '/'}, {text: dag}]} fill>
      <div className="dag-page">
        {details.data?.fileloc && <ImportErrors file={details.data.fileloc} />}
        {details.data && <DagHead details={details.data} onTrigger={() => setTriggering(true)} />}
        {error && (
          <ErrorNotice
            error={error}
            retry={() => void Promise.all([details.refetch(), tasks.refetch(), grid.refetch()])}
          />
        )}
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
                  <button type="button" className="button button-primary" onClick={() => setTriggering(true)}>
                    <PlayIcon /> Run it now
                  </button>
                </Empty>
              </div>
            )
          )}
        </div>
      </div>
      {triggering && (
        <TriggerDialog
          dag={dag}
          onClose={() => setTriggering(false)}
          onTriggered={(run) => setSearchParams({run: run.dag_run_id})}
        />
      )}
    </Shell>
  );
}

function DagHead({details, onTrigger}: {details: DagDetails; onTrigger: () => void}) {
  return (
    <header className="dag-head">
      <div className="dag-title">
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
          {details.timetable_summary ? <code>{details.timetable_summary}</code> : 'No schedule'}
          {details.timetable_summary && details.timezone && details.timezone !== 'UTC' && (
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
        {details.owners.length > 0 && <span className="faint">{details.owners.join(', ')}</span>}
      </div>
      <button type="button" className="button button-primary dag-run" onClick={onTrigger}>
        <PlayIcon /> Run…
      </button>
    </header>
  );
}
