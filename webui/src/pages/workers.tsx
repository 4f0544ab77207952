// The workers: who is there, how busy each is, and since when.
import {useWorkers} from '../api/queries';
import type {Worker} from '../api/types';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {Ago} from '../components/times';
import {useLive} from '../live/use_live';

const kLooks: Record<Worker['state'], string> = {online: 's-success', draining: 's-up_for_retry', lost: 's-failed'};

export function WorkersPage() {
  useLive(null);
  const query = useWorkers();
  const workers = [...(query.data?.workers ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <header className="page-head">
          <h1>Workers</h1>
        </header>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={3} />}
        {query.data && workers.length === 0 && (
          <Empty title="No worker is connected: nothing can run">
            Start one:{' '}
            <code>millrace-worker --scheduler HOST:PORT --token-file worker.token --root DATA --folder SCRATCH</code>
          </Empty>
        )}
        {workers.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>Worker</th>
                  <th>State</th>
                  <th>Slots</th>
                  <th className="right">Attempts</th>
                  <th>Host</th>
                  <th>Labels</th>
                  <th>Joined</th>
                  <th>Last heard of</th>
                  <th>Version</th>
                </tr>
              </thead>
              <tbody>
                {workers.map((worker) => (
                  <tr key={worker.worker_id} data-worker={worker.name}>
                    <td className="strong">{worker.name}</td>
                    <td>
                      <span className={`badge ${kLooks[worker.state]}`} data-state={worker.state}>
                        <span className="badge-dot" aria-hidden="true" />
                        {worker.state}
                      </span>
                    </td>
                    <td>
                      <span className="progress-line">
                        <span className="progress-bar" aria-hidden="true">
                          {worker.slots_used > 0 && (
                            <span className="s-running" style={{flexGrow: worker.slots_used}} />
                          )}
                          <span style={{flexGrow: Math.max(0, worker.slots - worker.slots_used)}} />
                        </span>
                        <span className="number faint">
                          {worker.slots_used} of {worker.slots}
                        </span>
                      </span>
                    </td>
                    <td className="right number">{worker.attempts ?? '–'}</td>
                    <td title={worker.pid ? `process ${worker.pid}` : ''}>{worker.hostname ?? '–'}</td>
                    <td>
                      {(worker.labels ?? []).map((label) => (
                        <span key={label} className="tag">
                          {label}
                        </span>
                      ))}
                    </td>
                    <td className="faint">
                      <Ago value={worker.joined_at} />
                    </td>
                    <td className="faint">
                      <Ago value={worker.last_heartbeat} />
                    </td>
                    <td className="faint" title={worker.engine_version ? `DuckDB ${worker.engine_version}` : ''}>
                      {worker.version ?? ''}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </Shell>
  );
}
