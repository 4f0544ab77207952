// How the installation does: what goes on, what ended over the last hours and how, who waits for slots, and who is there to work.
import {Fragment} from 'react';
import {useActivity, useCan, usePools, useWorkers} from '../api/queries';
import type {Activity, StateCounts, TaskState} from '../api/types';
import {ActivityHead, HoursChoice} from '../components/activity_head';
import {ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {PoolSlots, WorkerBadge, WorkerSlots} from '../components/slots';
import {StateDot, stateClass, stateLabel} from '../components/state';
import {Ago} from '../components/times';
import {barsOf, type Bar} from '../format/activity';
import {formatCount} from '../format/number';
import {countText} from '../format/selection';
import {describeCounts, totalOf} from '../format/summary';
import {formatTime, useZone} from '../format/time';
import {useLive} from '../live/use_live';
import {Link, setSearchParams, useSearchParam} from '../router';

// Hours, and how many bars for them.
const kHours: [number, number][] = [
  [1, 30],
  [6, 36],
  [24, 48],
  [168, 56],
];
const kRows = 6;
const kStates: readonly TaskState[] = ['running', 'queued', 'scheduled', 'up_for_retry', 'deferred', 'none'];
const kEnded: readonly TaskState[] = ['failed', 'upstream_failed', 'success', 'skipped', 'removed'];

export function ActivityPage() {
  useLive(null);
  const asked = Number(useSearchParam('hours'));
  const [hours, parts] = kHours.find(([one]) => one === asked) ?? [24, 48];
  const activity = useActivity(hours, parts);
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <ActivityHead>
          <HoursChoice
            hours={hours}
            choices={kHours.map(([one]) => one)}
            onChoose={(one) => setSearchParams({hours: one === 24 ? null : String(one)})}
          />
        </ActivityHead>
        {activity.isError && <ErrorNotice error={activity.error} retry={() => void activity.refetch()} />}
        {activity.isPending && <Skeleton rows={8} />}
        {activity.data && (
          <>
            <div className="activity-pair">
              <History title="Runs" activity={activity.data} what="runs" />
              <History title="Task instances" activity={activity.data} what="task_instances" />
            </div>
            {!activity.data.all_counted && (
              <p className="faint">More ended than is counted: the task instances are those of the newest runs.</p>
            )}
          </>
        )}
        <div className="activity-pair">
          <Pools />
          <Workers />
        </div>
      </div>
    </Shell>
  );
}

// "3 running, 1 queued", each leading to its list where there is one.
function Now({counts, runs}: {counts: StateCounts; runs: boolean}) {
  const present = kStates.filter((state) => (counts[state] ?? 0) > 0);
  if (present.length === 0) return <span className="faint">nothing under way</span>;
  return (
    <span className="activity-now">
      {present.map((state) => {
        const text = `${formatCount(counts[state] ?? 0)} ${stateLabel(state)}`;
        return (
          <Fragment key={state}>
            <span data-now={state}>
              <StateDot state={state} /> {runs ? <Link href={`/runs?state=${state}`}>{text}</Link> : text}
            </span>
          </Fragment>
        );
      })}
    </span>
  );
}

function History({title, activity, what}: {title: string; activity: Activity; what: 'runs' | 'task_instances'}) {
  const zone = useZone();
  const {bars, most, sum} = barsOf(activity, what);
  const total = totalOf(sum);
  const detail = Date.parse(activity.to) - Date.parse(activity.from) > 86_400_000 ? 'date' : 'minutes';
  const when = (time: string) => formatTime(time, zone, 'minutes');
  return (
    <section className="card activity-card" aria-label={title} data-what={what}>
      <div className="activity-title">
        <h2>{title}</h2>
        <Now counts={activity.now[what]} runs={what === 'runs'} />
      </div>
      <p className="activity-sum">
        {total === 0 ? (
          <span className="faint">None ended in this time.</span>
        ) : (
          <>
            <span className="strong">{formatCount(total)}</span> ended
            {kEnded
              .filter((state) => (sum[state] ?? 0) > 0)
              .map((state) => (
                <span key={state} className="activity-key" data-sum={state}>
                  <span className={`legend-mark ${stateClass(state)}`} />
                  {formatCount(sum[state] ?? 0)} {stateLabel(state)}
                </span>
              ))}
          </>
        )}
      </p>
      <div className="activity-bars" role="img" aria-label={`${title} that ended: ${describeCounts(sum, stateLabel)}`}>
        <span className="activity-most faint">{most > 0 ? formatCount(most) : ''}</span>
        {bars.map((bar) => (
          <Column key={bar.from} bar={bar} title={`${when(bar.from)} – ${when(bar.to).slice(11)} ${zone}`} />
        ))}
      </div>
      <div className="activity-days faint" aria-hidden="true">
        <span>{formatTime(activity.from, zone, detail)}</span>
        <span>{detail === 'date' ? formatTime(activity.to, zone, detail) : 'now'}</span>
      </div>
    </section>
  );
}

function Column({bar, title}: {bar: Bar; title: string}) {
  const text = totalOf(bar.counts) === 0 ? 'none' : describeCounts(bar.counts, stateLabel);
  return (
    <span className="activity-column" title={`${title}\n${text}`}>
      {bar.height > 0 && (
        <span className="activity-bar" style={{height: `${Math.max(2, bar.height * 100)}%`}}>
          {kEnded
            .filter((state) => (bar.counts[state] ?? 0) > 0)
            .map((state) => (
              <span key={state} className={stateClass(state)} style={{flexGrow: bar.counts[state] ?? 0}} />
            ))}
        </span>
      )}
    </span>
  );
}

function Pools() {
  const pools = usePools('');
  const operates = useCan('operate');
  // Where somebody waits first, then the fullest.
  const share = (taken: number, slots: number) => (slots > 0 ? taken / slots : 0);
  const rows = [...(pools.data?.rows ?? [])].sort(
    (a, b) =>
      b.scheduled_slots - a.scheduled_slots || share(b.occupied_slots, b.slots) - share(a.occupied_slots, a.slots),
  );
  return (
    <section className="card activity-card" aria-label="Pools">
      <div className="activity-title">
        <h2>{operates ? <Link href="/pools">Pools</Link> : 'Pools'}</h2>
        {rows.length > kRows && <span className="faint">{rows.length - kRows} more</span>}
      </div>
      {pools.isError && <ErrorNotice error={pools.error} />}
      {pools.data && rows.length === 0 && <p className="faint">There is none yet.</p>}
      <table className="activity-table">
        <tbody>
          {rows.slice(0, kRows).map((pool) => (
            <tr key={pool.name} data-pool={pool.name}>
              <td className="strong">{pool.name}</td>
              <td>
                <PoolSlots pool={pool} />
              </td>
              <td className="number faint">
                {pool.slots < 0 ? `${pool.occupied_slots}, no limit` : `${pool.occupied_slots} of ${pool.slots}`}
              </td>
              <td className={pool.scheduled_slots > 0 ? 'right warn-text' : 'right faint'}>
                {pool.scheduled_slots > 0 ? `${pool.scheduled_slots} waiting` : ''}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Workers() {
  const query = useWorkers();
  const workers = query.data?.workers ?? [];
  const rank = {lost: 0, draining: 1, online: 2};
  const rows = [...workers].sort((a, b) => rank[a.state] - rank[b.state] || (a.name < b.name ? -1 : 1));
  const there = workers.filter((worker) => worker.state !== 'lost');
  return (
    <section className="card activity-card" aria-label="Workers">
      <div className="activity-title">
        <h2>
          <Link href="/workers">Workers</Link>
        </h2>
        {query.data && (
          <span className={there.length === 0 ? 'warn-text' : 'faint'}>
            {there.length === 0
              ? 'none is connected: nothing can run'
              : `${countText(there.length, 'worker')}, ${there.reduce((sum, one) => sum + one.slots_used, 0)} of ${there.reduce((sum, one) => sum + one.slots, 0)} slots taken`}
          </span>
        )}
      </div>
      {query.isError && <ErrorNotice error={query.error} />}
      <table className="activity-table">
        <tbody>
          {rows.slice(0, kRows).map((worker) => (
            <tr key={worker.worker_id} data-worker={worker.name}>
              <td className="strong">{worker.name}</td>
              <td>
                <WorkerBadge state={worker.state} />
              </td>
              <td>
                <WorkerSlots worker={worker} />
              </td>
              <td className="right faint" title="Last heard of">
                <Ago value={worker.last_heartbeat} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > kRows && <p className="faint">and {rows.length - kRows} more</p>}
    </section>
  );
}
