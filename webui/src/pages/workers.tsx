// The workers: who is there, how busy each is, and since when.
import {useWorkers} from '../api/queries';
import {ActivityHead} from '../components/activity_head';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {WorkerBadge, WorkerSlots} from '../components/slots';
import {Ago} from '../components/times';
import {useLive} from '../live/use_live';

export function WorkersPage() {
  useLive(null);
  const query = useWorkers();
  const workers = [...(query.data?.workers ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <ActivityHead />
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
                      <WorkerBadge state={worker.state} />
                    </td>
                    <td>
                      <WorkerSlots worker={worker} />
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
