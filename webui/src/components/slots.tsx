// How many slots of a pool or of a worker are taken, as bars; and how a worker is.
import type {Pool, Worker} from '../api/types';

export function PoolSlots({pool}: {pool: Pool}) {
  if (pool.slots < 0) return <span className="faint">–</span>;
  const free = Math.max(0, pool.slots - pool.occupied_slots);
  const text = `${pool.running_slots} running, ${pool.queued_slots} queued, ${free} free`;
  return (
    <span className="progress-bar" role="img" aria-label={text} title={text}>
      {pool.running_slots > 0 && <span className="s-running" style={{flexGrow: pool.running_slots}} />}
      {pool.queued_slots > 0 && <span className="s-queued" style={{flexGrow: pool.queued_slots}} />}
      <span style={{flexGrow: free}} />
    </span>
  );
}

export function WorkerSlots({worker}: {worker: Worker}) {
  return (
    <span className="progress-line">
      <span className="progress-bar" aria-hidden="true">
        {worker.slots_used > 0 && <span className="s-running" style={{flexGrow: worker.slots_used}} />}
        <span style={{flexGrow: Math.max(0, worker.slots - worker.slots_used)}} />
      </span>
      <span className="number faint">
        {worker.slots_used} of {worker.slots}
      </span>
    </span>
  );
}

const kLooks: Record<Worker['state'], string> = {online: 's-success', draining: 's-up_for_retry', lost: 's-failed'};

export function WorkerBadge({state}: {state: Worker['state']}) {
  return (
    <span className={`badge ${kLooks[state]}`} data-state={state}>
      <span className="badge-dot" aria-hidden="true" />
      {state}
    </span>
  );
}
