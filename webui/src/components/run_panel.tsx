// The selected run: how it stands, what it was started with, what can be done with it, and its tasks as graph or gantt.
import {useMemo, useState} from 'react';
import {useMutation} from '@tanstack/react-query';
import {DagGraph} from './dag_graph';
import {Gantt} from './gantt';
import {RetryIcon, StopIcon, WaitIcon} from './icons';
import {Note} from './note';
import {ErrorNotice} from './notice';
import {RunDialog, type RunAction} from './run_dialog';
import {Segments} from './segments';
import {StateBadge} from './state';
import {Ago, Lasted, Time} from './times';
import {toast} from './toast';
import {TriggerDialog} from './trigger_dialog';
import type {OpenNodes} from './use_open';
import {client, queryClient, useCan, useRun, useUpstreamEvents, useWhy} from '../api/queries';
import type {DagRun, StateCounts} from '../api/types';
import {summarise} from '../format/summary';
import {inOrder, type Structure} from '../graph/structure';
import type {Cells} from '../live/cells';
import {assetHref, Link, setSearchParams, taskHref, useSearchParam, versionHref} from '../router';
import {useShortcuts} from '../shortcuts';

const kViews = [
  ['graph', 'Graph'],
  ['gantt', 'Gantt'],
] as const;

interface Props {
  dag: string;
  runId: string;
  known: DagRun | undefined;
  structure: Structure;
  nodes: OpenNodes;
  cells: Cells;
}

export function RunPanel({dag, runId, known, structure, nodes, cells}: Props) {
  const tasks = useMemo(() => inOrder(structure).map((node) => node.task), [structure]);
  // The grid has most of it already; the run itself is asked for when the grid does not reach back so far.
  const query = useRun(dag, known ? null : runId);
  const run = known ?? query.data;
  const view: 'graph' | 'gantt' = useSearchParam('view') === 'gantt' ? 'gantt' : 'graph';
  const show = (next: string) => setSearchParams({view: next === 'graph' ? null : next});
  useShortcuts({g: () => show(view === 'graph' ? 'gantt' : 'graph')});
  return (
    <section className="card pane run-pane" aria-label="Selected run">
      {query.isError && !run && <ErrorNotice error={query.error} />}
      {run && (
        <RunHead
          dag={dag}
          run={run}
          firstTask={tasks[0]?.task_id ?? ''}
          counts={() =>
            summarise(
              runId,
              '',
              tasks.map((task) => cells.get(runId, task.task_id)),
            )?.states ?? {}
          }
        />
      )}
      <div className="run-view">
        <Segments
          label="Show the run as"
          className="segments-small run-views"
          choices={kViews}
          value={view}
          onChoose={show}
        />
        {tasks.length > 0 &&
          (view === 'graph' ? (
            <DagGraph key={dag} dag={dag} run={runId} structure={structure} nodes={nodes} cells={cells} />
          ) : (
            <Gantt dag={dag} run={runId} structure={structure} nodes={nodes} cells={cells} />
          ))}
      </div>
    </section>
  );
}

interface HeadProps {
  dag: string;
  run: DagRun;
  firstTask: string;
  counts: () => StateCounts;
}

function RunHead({dag, run, firstTask, counts}: HeadProps) {
  // A run that has not begun waits for the same as its first task: a paused DAG, or other runs.
  const why = useWhy({dag, run: run.dag_run_id, task: firstTask, map: -1}, run.state === 'queued' && firstTask !== '');
  const [changing, setChanging] = useState<RunAction | null>(null);
  const [triggering, setTriggering] = useState(false);
  const writes = useCan('write');
  useShortcuts(writes ? {c: () => setChanging('clear'), m: () => setChanging('success')} : {});
  const active = run.state === 'running' || run.state === 'queued';
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({queryKey: ['grid', dag]}),
      queryClient.invalidateQueries({queryKey: ['run', dag]}),
    ]);
  const retry = useMutation({
    mutationFn: () =>
      client.clear(
        {dag, run: run.dag_run_id},
        null,
        {upstream: false, downstream: true, past: false, future: false, only: 'failed', newestVersion: false},
        false,
      ),
    onSuccess: (answer) => toast(`Cleared ${answer.task_instances.length} task instances: they run again`),
    onError: (error) => toast(error.message, 'error'),
    onSettled: refresh,
  });
  const events = useUpstreamEvents(dag, run.dag_run_id, run.run_type === 'asset_triggered');
  const updates = events.data?.asset_events ?? [];
  const version = run.dag_versions?.[0]?.version_number;
  const conf = run.conf && Object.keys(run.conf).length > 0 ? run.conf : null;
  return (
    <header className="run-head">
      <div className="run-title">
        <StateBadge state={run.state} />
        <h2 className="run-id" title={run.dag_run_id}>
          {run.dag_run_id}
        </h2>
        <span className="run-actions" hidden={!writes}>
          {active && (
            <button type="button" className="button button-small button-danger" onClick={() => setChanging('failed')}>
              <StopIcon /> Cancel run
            </button>
          )}
          {run.state === 'failed' && (
            <button
              type="button"
              className="button button-small"
              disabled={retry.isPending}
              onClick={() => retry.mutate()}
              title="Clears what failed and what depends on it, so that it runs again"
            >
              <RetryIcon /> Retry failed
            </button>
          )}
          <button
            type="button"
            className="button button-small"
            title="Run again, mark or delete the run (c, m)"
            onClick={() => setChanging(active ? 'success' : 'clear')}
          >
            Change…
          </button>
        </span>
      </div>
      <dl className="facts facts-row">
        <div>
          <dt>Logical date</dt>
          <dd>
            <Time value={run.logical_date} detail="minutes" />
          </dd>
        </div>
        {run.data_interval_start && run.data_interval_end && run.data_interval_start !== run.data_interval_end && (
          <div>
            <dt>Data interval</dt>
            <dd>
              <Time value={run.data_interval_start} detail="minutes" /> –{' '}
              <Time value={run.data_interval_end} detail="minutes" />
            </dd>
          </div>
        )}
        {run.partition_key && (
          <div>
            <dt>Partition</dt>
            <dd>{run.partition_key}</dd>
          </div>
        )}
        <div>
          <dt>Started</dt>
          <dd>
            {run.start_date ? (
              <>
                <Time value={run.start_date} />{' '}
                <span className="faint">
                  <Ago value={run.start_date} />
                </span>
              </>
            ) : (
              'waits'
            )}
          </dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>
            <Lasted start={run.start_date} end={run.end_date} />
          </dd>
        </div>
        <div>
          <dt>Type</dt>
          <dd>
            {run.run_type.replaceAll('_', ' ')}
            {run.triggering_task && (
              <>
                {' by '}
                <Link
                  href={taskHref(
                    run.triggering_task.dag_id,
                    run.triggering_task.dag_run_id,
                    run.triggering_task.task_id,
                    {map: run.triggering_task.map_index},
                  )}
                >
                  {run.triggering_task.dag_id} <span className="faint">{run.triggering_task.task_id}</span>
                </Link>
              </>
            )}
            {!run.triggering_task && run.triggering_user_name && (
              <span className="faint"> by {run.triggering_user_name}</span>
            )}
          </dd>
        </div>
        {version !== undefined && (
          <div>
            <dt>Version</dt>
            <dd>
              <Link href={versionHref(dag, version)} title="The file as the run had it">
                {version}
              </Link>
            </dd>
          </div>
        )}
        {(run.retries ?? 0) > 0 && (
          <div>
            <dt>Retry</dt>
            <dd>
              {run.retries} of {run.max_retries}
              {run.retry_at && (
                <>
                  {' at '}
                  <Time value={run.retry_at} />
                </>
              )}
            </dd>
          </div>
        )}
        {(run.missed_deadlines ?? 0) > 0 && (
          <div>
            <dt>Deadlines</dt>
            <dd className="warn-text">{run.missed_deadlines} missed</dd>
          </div>
        )}
        {updates.length > 0 && (
          <div className="fact-wide">
            <dt>Started by</dt>
            <dd className="chips">
              {updates.slice(0, 8).map((event) => (
                <span key={event.id} className="chip">
                  <Link href={assetHref(event.asset_id)}>{event.name}</Link>
                </span>
              ))}
              {updates.length > 8 && <span className="faint">and {updates.length - 8} more</span>}
            </dd>
          </div>
        )}
        {conf && (
          <div className="fact-wide">
            <dt>Configuration</dt>
            <dd>
              <span className="conf-line">
                <code className="conf" title={JSON.stringify(conf, null, 2)}>
                  {JSON.stringify(conf)}
                </code>
                {writes && (
                  <button
                    type="button"
                    className="link-button"
                    title="Start another run with this configuration"
                    onClick={() => setTriggering(true)}
                  >
                    Run with it…
                  </button>
                )}
              </span>
            </dd>
          </div>
        )}
        <div className={(run.note ?? '').length > 60 ? 'fact-wide' : ''}>
          <dt>Note</dt>
          <dd>
            <Note subject={run.dag_run_id} note={run.note} save={(note) => client.noteRun(dag, run.dag_run_id, note)} />
          </dd>
        </div>
      </dl>
      {run.state === 'queued' && why.data && why.data.reasons.length > 0 && (
        <p className="run-why">
          <WaitIcon /> {why.data.reasons.map((reason) => reason.message).join('; ')}
        </p>
      )}
      {triggering && (
        <TriggerDialog
          dag={dag}
          initial={run.conf ?? {}}
          onClose={() => setTriggering(false)}
          onTriggered={(made) => setSearchParams({run: made.dag_run_id})}
        />
      )}
      {changing !== null && (
        <RunDialog
          runs={[run]}
          counts={counts()}
          initial={changing}
          onClose={() => setChanging(null)}
          onDone={(action) => action === 'delete' && setSearchParams({run: null})}
        />
      )}
    </header>
  );
}
