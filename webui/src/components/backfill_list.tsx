// Backfills with their progress, and what can be done about one: pause, resume, cancel.
import {useMutation} from '@tanstack/react-query';
import {PauseIcon, PlayIcon, StopIcon} from './icons';
import {Ago, Time} from './times';
import {toast} from './toast';
import {client, queryClient, useCan} from '../api/queries';
import type {Backfill} from '../api/types';
import {backfillParts, datesDetail, doneOf, isOver} from '../format/backfill';
import {dagHref, Link} from '../router';

const kLooks: Record<Backfill['state'], string> = {
  running: 's-running',
  paused: 's-queued',
  completed: 's-success',
  cancelled: 's-skipped',
};

const kReprocess = {none: 'new dates only', failed: 'failed runs again', completed: 'all runs again'};

export function BackfillProgress({backfill}: {backfill: Backfill}) {
  const parts = backfillParts(backfill);
  const text = parts.map((part) => `${part.count} ${part.text}`).join(', ');
  return (
    <span className="progress-line">
      <span className="progress-bar" role="img" aria-label={text} title={text}>
        {parts.map((part) => (
          <span key={part.kind} className={`s-${part.kind}`} style={{flexGrow: part.count}} />
        ))}
      </span>
      <span className="number faint">
        {doneOf(backfill)} of {backfill.dates}
      </span>
    </span>
  );
}

export function BackfillList({backfills, withDag}: {backfills: Backfill[]; withDag: boolean}) {
  return (
    <div className="card table-card">
      <table className="list-table">
        <thead>
          <tr>
            <th className="right">Id</th>
            {withDag && <th>DAG</th>}
            <th>Dates</th>
            <th>State</th>
            <th>Progress</th>
            <th>How</th>
            <th>Made</th>
            <th>
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {backfills.map((backfill) => (
            <BackfillRow key={backfill.id} backfill={backfill} withDag={withDag} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BackfillRow({backfill, withDag}: {backfill: Backfill; withDag: boolean}) {
  const writes = useCan('write');
  const detail = datesDetail([backfill.from_date, backfill.to_date]);
  const change = useMutation({
    mutationFn: (action: 'pause' | 'unpause' | 'cancel') => client.changeBackfill(backfill.id, action),
    onSuccess: (_, action) => toast(`Backfill ${backfill.id} ${action === 'cancel' ? 'cancelled' : `${action}d`}`),
    onError: (error) => toast(error.message, 'error'),
    onSettled: () => queryClient.invalidateQueries({queryKey: ['backfills']}),
  });
  const paused = backfill.state === 'paused';
  const how = [
    kReprocess[backfill.reprocess_behavior],
    `${backfill.max_active_runs} at a time`,
    ...(backfill.run_backwards ? ['backwards'] : []),
    ...(backfill.after === null ? [] : [`after ${backfill.after}`]),
  ];
  return (
    <tr data-backfill={backfill.id}>
      <td className="right number">{backfill.id}</td>
      {withDag && (
        <td>
          <Link href={dagHref(backfill.dag_id)} className="strong">
            {backfill.dag_id}
          </Link>
        </td>
      )}
      <td>
        <Time value={backfill.from_date} detail={detail} /> – <Time value={backfill.to_date} detail={detail} />
      </td>
      <td>
        <span className={`badge ${kLooks[backfill.state]}`} data-state={backfill.state}>
          <span className="badge-dot" aria-hidden="true" />
          {backfill.state}
        </span>
      </td>
      <td>
        <BackfillProgress backfill={backfill} />
      </td>
      <td className="faint">{how.join(', ')}</td>
      <td className="faint">
        <Ago value={backfill.created_at} /> by {backfill.user}
      </td>
      <td className="right">
        {writes && !isOver(backfill) && (
          <span className="row-actions">
            <button
              type="button"
              className="icon-button"
              title={paused ? 'Go on' : 'Start no more runs for now'}
              aria-label={paused ? `Resume backfill ${backfill.id}` : `Pause backfill ${backfill.id}`}
              disabled={change.isPending}
              onClick={() => change.mutate(paused ? 'unpause' : 'pause')}
            >
              {paused ? <PlayIcon /> : <PauseIcon />}
            </button>
            <button
              type="button"
              className="icon-button"
              title="Start no more runs; what has started goes to its end"
              aria-label={`Cancel backfill ${backfill.id}`}
              disabled={change.isPending}
              onClick={() => change.mutate('cancel')}
            >
              <StopIcon />
            </button>
          </span>
        )}
      </td>
    </tr>
  );
}
