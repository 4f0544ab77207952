// The selected run: how it stands, what it was started with, what can be done with it, and its tasks as graph or timeline.
import {useState} from 'react';
import {useMutation} from '@tanstack/react-query';
import {DagGraph} from './dag_graph';
import {Dialog} from './dialog';
import {RetryIcon, StopIcon, WaitIcon} from './icons';
import {ErrorNotice} from './notice';
import {StateBadge} from './state';
import {Timeline} from './timeline';
import {Ago, Lasted, Time} from './times';
import {toast} from './toast';
import {client, queryClient, useRun, useWhy} from '../api/queries';
import type {DagRun, Task} from '../api/types';
import type {Cells} from '../live/cells';
import {setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

interface Props {
  dag: string;
  runId: string;
  known: DagRun | undefined;
  tasks: Task[];
  cells: Cells;
}

export function RunPanel({dag, runId, known, tasks, cells}: Props) {
  // The grid has most of it already; the run itself is asked for when the grid does not reach back so far.
  const query = useRun(dag, known ? null : runId);
  const run = known ?? query.data;
  const view = useSearchParam('view') === 'timeline' ? 'timeline' : 'graph';
  const show = (next: string) => setSearchParams({view: next === 'graph' ? null : next});
  useShortcuts({g: () => show(view === 'graph' ? 'timeline' : 'graph')});
  return (
    <section className="card pane run-pane" aria-label="Selected run">
      {query.isError && !run && <ErrorNotice error={query.error} />}
      {run && <RunHead dag={dag} run={run} firstTask={tasks[0]?.task_id ?? ''} />}
      <div className="run-view">
        <div className="segments segments-small run-views" role="group" aria-label="Show the run as">
          {(['graph', 'timeline'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={view === one} onClick={() => show(one)}>
              {one === 'graph' ? 'Graph' : 'Timeline'}
            </button>
          ))}
        </div>
        {tasks.length > 0 &&
          (view === 'graph' ? (
            <DagGraph key={dag} dag={dag} run={runId} tasks={tasks} cells={cells} />
          ) : (
            <Timeline dag={dag} run={runId} tasks={tasks} cells={cells} />
          ))}
      </div>
    </section>
  );
}

function RunHead({dag, run, firstTask}: {dag: string; run: DagRun; firstTask: string}) {
  // A run that has not begun waits for the same as its first task: a paused DAG, or other runs.
  const why = useWhy(dag, run.dag_run_id, firstTask, run.state === 'queued' && firstTask !== '');
  const [asking, setAsking] = useState(false);
  const active = run.state === 'running' || run.state === 'queued';
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({queryKey: ['grid', dag]}),
      queryClient.invalidateQueries({queryKey: ['run', dag]}),
    ]);
  const retry = useMutation({
    mutationFn: () =>
      client.clear(dag, {dag_run_id: run.dag_run_id, include_downstream: true, only_failed: true, dry_run: false}),
    onSuccess: (answer) => toast(`Cleared ${answer.task_instances.length} task instances: they run again`),
    onError: (error) => toast(error.message, 'error'),
    onSettled: refresh,
  });
  const conf = run.conf && Object.keys(run.conf).length > 0 ? run.conf : null;
  return (
    <header className="run-head">
      <div className="run-title">
        <StateBadge state={run.state} />
        <h2 className="run-id" title={run.dag_run_id}>
          {run.dag_run_id}
        </h2>
        <span className="run-actions">
          {active && (
            <button type="button" className="button button-small button-danger" onClick={() => setAsking(true)}>
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
            {run.triggering_user_name && <span className="faint"> by {run.triggering_user_name}</span>}
          </dd>
        </div>
        {conf && (
          <div className="fact-wide">
            <dt>Configuration</dt>
            <dd>
              <code className="conf" title={JSON.stringify(conf, null, 2)}>
                {JSON.stringify(conf)}
              </code>
            </dd>
          </div>
        )}
        {run.note && (
          <div className="fact-wide">
            <dt>Note</dt>
            <dd>{run.note}</dd>
          </div>
        )}
      </dl>
      {run.state === 'queued' && why.data && why.data.reasons.length > 0 && (
        <p className="run-why">
          <WaitIcon /> {why.data.reasons.map((reason) => reason.message).join('; ')}
        </p>
      )}
      {asking && <CancelDialog dag={dag} run={run} onClose={() => setAsking(false)} onDone={() => void refresh()} />}
    </header>
  );
}

function CancelDialog({
  dag,
  run,
  onClose,
  onDone,
}: {
  dag: string;
  run: DagRun;
  onClose: () => void;
  onDone: () => void;
}) {
  const cancel = useMutation({
    mutationFn: () => client.cancelRun(dag, run.dag_run_id),
    onSuccess: () => {
      toast(`Cancelled ${run.dag_run_id}`);
      onDone();
      onClose();
    },
  });
  return (
    <Dialog title="Cancel this run?" onClose={onClose}>
      <div className="form">
        <p>
          What runs is stopped, what waits does not start, and the run ends as failed. What was already published stays.
        </p>
        {cancel.isError && <ErrorNotice error={cancel.error} />}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            Let it run
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Cancel the run
          </button>
        </div>
      </div>
    </Dialog>
  );
}
