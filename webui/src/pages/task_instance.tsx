// One task in one run: its log first, because that is why people come; beside it how it stands, why it waits, and what may be
// done about it.
import {useState} from 'react';
import {useJob, useTaskInstance, useTasks, useTries, useWhy} from '../api/queries';
import type {Task, TaskInstance, Why} from '../api/types';
import {ClearDialog} from '../components/clear_dialog';
import {RetryIcon, WaitIcon} from '../components/icons';
import {JobReportView} from '../components/job_report';
import {LogView} from '../components/log_view';
import {ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {StateBadge, StateDot, isFinished} from '../components/state';
import {Ago, Lasted, Time} from '../components/times';
import {readJobReport} from '../format/job_report';
import {useLive} from '../live/use_live';
import {dagHref, Link, navigate, setSearchParams, taskHref, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

interface Props {
  dag: string;
  run: string;
  task: string;
}

export function TaskInstancePage({dag, run, task}: Props) {
  useLive(dag);
  const [clearing, setClearing] = useState(false);
  const query = useTaskInstance(dag, run, task);
  const tries = useTries(dag, run, task);
  const tasks = useTasks(dag);
  const definition = tasks.data?.tasks.find((one) => one.task_id === task);
  const instance = query.data;
  const state = instance?.state ?? null;
  const finished = isFinished(state);
  const why = useWhy(dag, run, task, instance !== undefined && state !== 'running' && state !== 'success');

  const attempts = attemptsOf(instance, tries.data?.task_instances ?? []);
  const newest = attempts.at(-1)?.try_number ?? 0;
  const attempt = Math.min(Number(useSearchParam('try') ?? newest) || newest, Math.max(newest, 1));
  const shown = attempts.find((one) => one.try_number === attempt) ?? instance;
  const isJob = /mapreduce/i.test(definition?.operator_name ?? instance?.operator_name ?? instance?.operator ?? '');
  const job = useJob(dag, run, task, !finished, isJob);
  const report = readJobReport(job.data);
  const rendered = Object.entries(instance?.rendered_fields ?? {});
  const tabs = ['log', ...(report ? ['job'] : []), ...(rendered.length > 0 ? ['fields'] : [])];
  const wantedTab = useSearchParam('tab') ?? 'log';
  const tab = tabs.includes(wantedTab) ? wantedTab : 'log';
  const names: Record<string, string> = {log: 'Log', job: 'Job', fields: 'Rendered fields'};

  const chooseAttempt = (next: number) => {
    if (next >= 1 && next <= newest) setSearchParams({try: next === newest ? null : String(next)});
  };
  useShortcuts({
    u: () => navigate(dagHref(dag, run)),
    '[': () => chooseAttempt(attempt - 1),
    ']': () => chooseAttempt(attempt + 1),
  });

  return (
    <Shell crumbs={[{text: 'DAGs', href: '/'}, {text: dag, href: dagHref(dag, run)}, {text: task}]} fill>
      <div className="task-page">
        {query.isError && !instance && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && (
          <div className="card">
            <Skeleton rows={6} />
          </div>
        )}
        {instance && (
          <>
            <header className="task-head">
              <StateBadge state={state} />
              <h1>{task}</h1>
              {(definition?.operator_name ?? instance.operator_name ?? instance.operator) && (
                <span className="tag">{definition?.operator_name ?? instance.operator_name ?? instance.operator}</span>
              )}
              <span className="task-took faint">
                <Lasted start={instance.start_date} end={instance.end_date} />
              </span>
              <span className="task-actions">
                <button type="button" className="button" onClick={() => setClearing(true)}>
                  <RetryIcon /> {state === 'failed' || state === 'upstream_failed' ? 'Retry…' : 'Clear…'}
                </button>
              </span>
            </header>
            <div className="task-panes">
              <div className="card pane task-main">
                <div className="task-tabs">
                  <div className="tabs" role="tablist">
                    {tabs.map((one) => (
                      <button
                        key={one}
                        type="button"
                        role="tab"
                        aria-selected={tab === one}
                        onClick={() => setSearchParams({tab: one === 'log' ? null : one})}
                      >
                        {names[one]}
                      </button>
                    ))}
                  </div>
                  {tab === 'log' && attempts.length > 0 && (
                    <div className="segments segments-small attempts" role="group" aria-label="Attempt">
                      <span className="faint">Attempt</span>
                      {attempts.slice(-8).map((one) => (
                        <button
                          key={one.try_number}
                          type="button"
                          aria-pressed={one.try_number === attempt}
                          onClick={() => chooseAttempt(one.try_number)}
                        >
                          <StateDot state={one.state} />
                          {one.try_number}
                        </button>
                      ))}
                    </div>
                  )}
                </div>
                {tab === 'log' && (
                  <LogView
                    key={attempt}
                    dag={dag}
                    run={run}
                    task={task}
                    attempt={newest === 0 ? 0 : attempt}
                    active={attempt === newest && state === 'running'}
                  />
                )}
                {tab === 'job' && report && <JobReportView report={report} />}
                {tab === 'fields' && <RenderedFields fields={rendered} />}
              </div>
              <aside className="task-side">
                {why.data && why.data.reasons.length > 0 && <WhyCard why={why.data} />}
                <Facts
                  instance={instance}
                  shown={shown ?? instance}
                  attempts={newest}
                  said={why.data?.reasons.map((reason) => reason.message) ?? []}
                />
                {tasks.data && <Neighbours dag={dag} run={run} task={task} tasks={tasks.data.tasks} />}
              </aside>
            </div>
          </>
        )}
      </div>
      {clearing && instance && <ClearDialog dag={dag} run={run} task={task} onClose={() => setClearing(false)} />}
    </Shell>
  );
}

// Earlier tries as the server remembers them, and the present one as the task instance says: it is fresher.
function attemptsOf(instance: TaskInstance | undefined, tries: TaskInstance[]): TaskInstance[] {
  const byNumber = new Map(tries.filter((one) => one.try_number > 0).map((one) => [one.try_number, one]));
  if (instance && instance.try_number > 0) byNumber.set(instance.try_number, instance);
  return [...byNumber.values()].sort((a, b) => a.try_number - b.try_number);
}

function WhyCard({why}: {why: Why}) {
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
function Facts({
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
              {instance.pool}
              {(instance.pool_slots ?? 1) > 1 && ` (${instance.pool_slots} slots)`}
            </dd>
          </div>
        )}
        {shown.note && !said.includes(shown.note) && (
          <div>
            <dt>Note</dt>
            <dd className="break">{shown.note}</dd>
          </div>
        )}
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

function Neighbours({dag, run, task, tasks}: {dag: string; run: string; task: string; tasks: Task[]}) {
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

function RenderedFields({fields}: {fields: [string, unknown][]}) {
  return (
    <dl className="rendered">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <pre>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
          </dd>
        </div>
      ))}
    </dl>
  );
}
