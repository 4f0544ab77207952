// Who did what, the newest first.
import {useDeferredValue} from 'react';
import {useAudit} from '../api/queries';
import type {AuditEntry} from '../api/types';
import {AdminHead} from '../components/admin_head';
import {More} from '../components/more';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {Ago, Time} from '../components/times';
import {useLive} from '../live/use_live';
import {dagHref, Link, setSearchParams, taskHref, useSearchParam} from '../router';

export function AuditPage() {
  useLive(null);
  const user = useSearchParam('user') ?? '';
  const action = useSearchParam('action') ?? '';
  const dag = useSearchParam('dag') ?? '';
  const query = useAudit(useDeferredValue(user), useDeferredValue(action), useDeferredValue(dag));
  const entries = query.data?.rows ?? [];
  const filtered = user !== '' || action !== '' || dag !== '';
  const filter = (name: string, label: string, value: string) => (
    <label className="search">
      <span className="faint">{label}</span>
      <input
        name={name}
        aria-label={label}
        spellCheck={false}
        autoComplete="off"
        value={value}
        onChange={(event) => setSearchParams({[name]: event.target.value})}
      />
    </label>
  );
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead />
        <div className="tools">
          {filter('user', 'User', user)}
          {filter('action', 'Action', action)}
          {filter('dag', 'DAG', dag)}
        </div>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={8} />}
        {query.data && entries.length === 0 && (
          <Empty title={filtered ? 'Nothing matches' : 'Nobody has done anything yet'}>
            {filtered && 'Users, actions and DAGs are named exactly.'}
          </Empty>
        )}
        {entries.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>When</th>
                  <th>Who</th>
                  <th>What</th>
                  <th className="wide">To what</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <tr key={entry.event_log_id} data-entry={entry.event_log_id}>
                    <td>
                      <Time value={entry.when} />{' '}
                      <span className="faint">
                        <Ago value={entry.when} />
                      </span>
                    </td>
                    <td className="strong">{entry.owner ?? '–'}</td>
                    <td>{entry.event.replaceAll('_', ' ')}</td>
                    <td className="wide">
                      <Thing entry={entry} />
                      {entry.extra && <code className="conf">{entry.extra}</code>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <More query={query} />
      </div>
    </Shell>
  );
}

function Thing({entry}: {entry: AuditEntry}) {
  const {dag_id: dag, run_id: run, task_id: task, object} = entry;
  if (dag === null) return <span>{object ?? ''}</span>;
  if (run !== null && task !== null) {
    return (
      <Link href={taskHref(dag, run, task)}>
        {dag} <span className="faint">{run}</span> {task}
      </Link>
    );
  }
  return (
    <Link href={dagHref(dag, run)}>
      {dag} {run !== null && <span className="faint">{run}</span>}
    </Link>
  );
}
