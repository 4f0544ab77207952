// What stands beside a task instance: why it waits or ended so, when and where it ran, and its neighbours in the DAG.
import {WaitIcon} from './icons';
import {Note} from './note';
import {isFinished} from './state';
import {Ago, Lasted, Time} from './times';
import {client} from '../api/queries';
import type {InstanceKey, Task, TaskInstance, Why} from '../api/types';
import {dagHref, Link, taskHref} from '../router';

export function WhyCard({why}: {why: Why}) {
  const over = isFinished(why.state);
  return (
    <section className="card why" aria-label="Why">
      <h2>
        <WaitIcon /> {over ? 'Why it ended so' : 'Why it waits'}
      </h2>
      <ul>
        {why.reasons.map((reason, i) => (
          <li key={i} title={reason.kind}>
            {reason.message}
          </li>
        ))}
      </ul>
    </section>
  );
}

// said: what the card above says already.
export function Facts({
  instance,
  shown,
  attempts,
  said,
}: {
  instance: TaskInstance;
  shown: TaskInstance;
  attempts: number;
  said: string[];
}) {
  const place =
    attempts > 0 ? `${shown.try_number} of at most ${Math.max(instance.max_tries + 1, attempts)}` : 'none yet';
  return (
    <section className="card" aria-label="Facts">
      <dl className="facts">
        <div>
          <dt>Attempt</dt>
          <dd>{place}</dd>
        </div>
        <div>
          <dt>Queued</dt>
          <dd>
            <Time value={shown.queued_when ?? shown.scheduled_when} />
          </dd>
        </div>
        <div>
          <dt>Started</dt>
          <dd>
            <Time value={shown.start_date} />{' '}
            <span className="faint">
              <Ago value={shown.start_date} />
            </span>
          </dd>
        </div>
        <div>
          <dt>Ended</dt>
          <dd>
            <Time value={shown.end_date} />
          </dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>
            <Lasted start={shown.start_date} end={shown.end_date} />
          </dd>
        </div>
        {shown.hostname && (
          <div>
            <dt>Worker</dt>
            <dd>{shown.hostname}</dd>
          </div>
        )}
        {instance.pool && (
          <div>
            <dt>Pool</dt>
            <dd>
              <Link href="/pools">{instance.pool}</Link>
              {(instance.pool_slots ?? 1) > 1 && ` (${instance.pool_slots} slots)`}
            </dd>
          </div>
        )}
        <div>
          <dt>Note</dt>
          <dd className="break">
            <Note
              subject={instance.map_index < 0 ? instance.task_id : `${instance.task_id} [${instance.map_index}]`}
              note={said.includes(shown.note ?? '') ? null : shown.note}
              save={(note) => client.noteInstance(keyOf(instance), note)}
            />
          </dd>
        </div>
        <div>
          <dt>Run</dt>
          <dd>
            <Link href={dagHref(instance.dag_id, instance.dag_run_id)} className="break">
              {instance.dag_run_id}
            </Link>
          </dd>
        </div>
      </dl>
    </section>
  );
}

function keyOf({dag_id, dag_run_id, task_id, map_index}: TaskInstance): InstanceKey {
  return {dag: dag_id, run: dag_run_id, task: task_id, map: map_index};
}

export function Neighbours({dag, run, task, tasks}: {dag: string; run: string; task: string; tasks: Task[]}) {
  const before = tasks.filter((one) => one.downstream_task_ids.includes(task)).map((one) => one.task_id);
  const after = tasks.find((one) => one.task_id === task)?.downstream_task_ids ?? [];
  if (before.length === 0 && after.length === 0) return null;
  const list = (title: string, ids: readonly string[]) =>
    ids.length > 0 && (
      <div>
        <dt>{title}</dt>
        <dd className="chips">
          {ids.slice(0, 12).map((id) => (
            <Link key={id} className="chip" href={taskHref(dag, run, id)}>
              {id}
            </Link>
          ))}
          {ids.length > 12 && <span className="faint">and {ids.length - 12} more</span>}
        </dd>
      </div>
    );
  return (
    <section className="card" aria-label="Neighbours">
      <dl className="facts">
        {list('Needs', before)}
        {list('Then', after)}
      </dl>
    </section>
  );
}
