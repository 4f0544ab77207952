// One task in one run: its log first, because that is why people come; beside it how it stands, why it waits, and what may be
// done about it. A mapped task shows its instances, and each of them is a page like any other.
import {useState} from 'react';
import {
  useApproval,
  useCan,
  useGraph,
  useJob,
  useMapped,
  useTaskInstance,
  useTasks,
  useTries,
  useWhy,
} from '../api/queries';
import type {InstanceKey, Task, TaskInstance} from '../api/types';
import {ApprovalView} from '../components/approval';
import {ChangeDialog, type Action} from '../components/change_dialog';
import {RetryIcon} from '../components/icons';
import {JobReportView} from '../components/job_report';
import {LogView} from '../components/log_view';
import {countsOf, MappedList} from '../components/mapped_list';
import {ErrorNotice, Skeleton} from '../components/notice';
import {Shell, type Crumb} from '../components/shell';
import {StateBadge, StateDot, isFinished} from '../components/state';
import {Facts, Neighbours, WhyCard} from '../components/task_facts';
import {PausedTag, TaskPauseButton} from '../components/task_pause';
import {RenderedFields, TaskState, XComs} from '../components/task_values';
import {Lasted} from '../components/times';
import {readJobReport} from '../format/job_report';
import {overallState} from '../format/summary';
import {useLive} from '../live/use_live';
import {dagHref, navigate, setSearchParams, taskHref, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

interface Props {
  dag: string;
  run: string;
  task: string;
}

const kTabs = {
  answer: 'Answer',
  log: 'Log',
  job: 'Job',
  fields: 'Rendered fields',
  xcoms: 'XComs',
  state: 'State',
} as const;
type Tab = keyof typeof kTabs;

export function TaskInstancePage({dag, run, task}: Props) {
  useLive(dag);
  const given = useSearchParam('map');
  const map = given !== null && /^\d{1,7}$/.test(given) ? Number(given) : -1;
  const [changing, setChanging] = useState<Action | null>(null);
  const writes = useCan('write');
  const tasks = useTasks(dag);
  const definition = tasks.data?.tasks.find((one) => one.task_id === task);
  const isMapped = definition?.is_mapped ?? map >= 0;
  const mapped = useMapped(dag, run, task, isMapped);
  const instances = (mapped.data ?? []).filter((one) => one.map_index >= 0);
  // A mapped task is one instance until it is mapped.
  const asList = isMapped && map < 0 && (mapped.isPending || instances.length > 0);
  const ready = !tasks.isPending && !(isMapped && mapped.isPending);

  const crumbs: Crumb[] = [{text: dag, href: dagHref(dag, run)}];
  if (map < 0) crumbs.push({text: task});
  else crumbs.push({text: task, href: taskHref(dag, run, task)}, {text: `[${map}]`});
  useShortcuts({
    u: () => navigate(map < 0 ? dagHref(dag, run) : taskHref(dag, run, task)),
    ...(writes ? {c: () => setChanging('clear'), m: () => setChanging('success')} : {}),
  });
  const error = tasks.error ?? mapped.error;
  return (
    <Shell crumbs={crumbs} fill>
      <div className="task-page">
        {error && <ErrorNotice error={error} retry={() => void Promise.all([tasks.refetch(), mapped.refetch()])} />}
        {!ready && !error && (
          <div className="card">
            <Skeleton rows={6} />
          </div>
        )}
        {ready && asList && (
          <MappedTask
            dag={dag}
            run={run}
            task={task}
            definition={definition}
            instances={instances}
            onChange={setChanging}
          />
        )}
        {ready && !asList && (
          <OneInstance
            key={map}
            instanceKey={{dag, run, task, map}}
            definition={definition}
            siblings={instances}
            onChange={setChanging}
          />
        )}
      </div>
      {changing !== null && (
        <ChangeDialog dag={dag} run={run} task={task} map={map} initial={changing} onClose={() => setChanging(null)} />
      )}
    </Shell>
  );
}

function Actions({
  dag,
  definition,
  failed,
  onChange,
}: {
  dag: string;
  definition: Task | undefined;
  failed: boolean;
  onChange: (action: Action) => void;
}) {
  if (!useCan('write')) return null;
  return (
    <span className="task-actions">
      {definition && <TaskPauseButton dag={dag} task={definition} />}
      <button
        type="button"
        className="button"
        title="Set its state without running it (m)"
        onClick={() => onChange('success')}
      >
        Mark…
      </button>
      <button type="button" className="button" title="Run it again (c)" onClick={() => onChange('clear')}>
        <RetryIcon /> {failed ? 'Retry…' : 'Clear…'}
      </button>
    </span>
  );
}

interface MappedProps extends Props {
  definition: Task | undefined;
  instances: TaskInstance[];
  onChange: (action: Action) => void;
}

function MappedTask({dag, run, task, definition, instances, onChange}: MappedProps) {
  const counts = countsOf(instances);
  const state = overallState(counts);
  return (
    <>
      <header className="task-head">
        <StateBadge state={state} />
        <h1>{task}</h1>
        {definition?.operator_name && <span className="tag">{definition.operator_name}</span>}
        <span className="faint">mapped, {instances.length === 1 ? '1 instance' : `${instances.length} instances`}</span>
        {definition?.is_paused && <PausedTag />}
        <Actions
          dag={dag}
          definition={definition}
          failed={state === 'failed' || state === 'upstream_failed'}
          onChange={onChange}
        />
      </header>
      <div className="card pane task-mapped">
        <MappedList dag={dag} run={run} task={task} instances={instances} />
      </div>
    </>
  );
}

interface OneProps {
  instanceKey: InstanceKey;
  definition: Task | undefined;
  // The other instances of the mapped task.
  siblings: TaskInstance[];
  onChange: (action: Action) => void;
}

function OneInstance({instanceKey, definition, siblings, onChange}: OneProps) {
  const {dag, run, task, map} = instanceKey;
  const query = useTaskInstance(instanceKey);
  const tries = useTries(instanceKey, query.data !== undefined);
  const tasks = useTasks(dag);
  const graph = useGraph(dag);
  const instance = query.data;
  const state = instance?.state ?? null;
  const finished = isFinished(state);
  const telling = instance !== undefined && state !== 'running' && state !== 'success';
  const why = useWhy(instanceKey, telling);

  const attempts = attemptsOf(instance, tries.data?.task_instances ?? []);
  const newest = attempts.at(-1)?.try_number ?? 0;
  const attempt = Math.min(Number(useSearchParam('try') ?? newest) || newest, Math.max(newest, 1));
  const shown = attempts.find((one) => one.try_number === attempt) ?? instance;
  const operator = definition?.operator_name ?? instance?.operator_name ?? instance?.operator ?? '';
  const job = useJob(instanceKey, !finished, /mapreduce/i.test(operator));
  const report = readJobReport(job.data);
  // Of an approval the question is what people come for.
  const asked = useApproval(instanceKey, operator === 'approval' && instance !== undefined);
  const tabs: Tab[] = [
    ...(asked.data ? (['answer'] as const) : []),
    'log',
    ...(report ? (['job'] as const) : []),
    'fields',
    'xcoms',
    'state',
  ];
  const firstTab = tabs[0] ?? 'log';
  const wantedTab = useSearchParam('tab') ?? firstTab;
  const tab = tabs.find((one) => one === wantedTab) ?? firstTab;
  const role = graph.data?.tasks.find((one) => one.task_id === task)?.role ?? 'work';

  const place = siblings.findIndex((one) => one.map_index === map);
  const beside = (by: number) => {
    const next = siblings[place + by];
    if (place >= 0 && next) navigate(taskHref(dag, run, task, {map: next.map_index}), 'replace');
  };
  const showTab = (next: Tab) => setSearchParams({tab: next === firstTab ? null : next});
  const chooseAttempt = (next: number) => {
    if (next >= 1 && next <= newest) setSearchParams({try: next === newest ? null : String(next)});
  };
  useShortcuts({
    '[': () => chooseAttempt(attempt - 1),
    ']': () => chooseAttempt(attempt + 1),
    ',': () => beside(-1),
    '.': () => beside(1),
    x: () => showTab(tabs[(tabs.indexOf(tab) + 1) % tabs.length] ?? 'log'),
  });

  if (query.isError && !instance) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (!instance) {
    return (
      <div className="card">
        <Skeleton rows={6} />
      </div>
    );
  }
  return (
    <>
      <header className="task-head">
        <StateBadge state={state} />
        <h1>{map < 0 ? task : `${task} [${map}]`}</h1>
        {operator !== '' && <span className="tag">{operator}</span>}
        {role !== 'work' && <span className="tag">{role}</span>}
        {definition?.trigger_rule && definition.trigger_rule !== 'all_success' && (
          <span className="tag" title="Trigger rule">
            {definition.trigger_rule}
          </span>
        )}
        {definition?.is_paused && <PausedTag />}
        <span className="task-took faint">
          <Lasted start={instance.start_date} end={instance.end_date} />
        </span>
        {map >= 0 && siblings.length > 1 && (
          <span className="segments segments-small" role="group" aria-label="Instance">
            <button type="button" disabled={place <= 0} title="The one before (,)" onClick={() => beside(-1)}>
              ‹
            </button>
            <span className="faint number">
              {place + 1} of {siblings.length}
            </span>
            <button
              type="button"
              disabled={place >= siblings.length - 1}
              title="The next (.)"
              onClick={() => beside(1)}
            >
              ›
            </button>
          </span>
        )}
        <Actions
          dag={dag}
          definition={definition}
          failed={state === 'failed' || state === 'upstream_failed'}
          onChange={onChange}
        />
      </header>
      <div className="task-panes">
        <div className="card pane task-main">
          <div className="task-tabs">
            <div className="tabs" role="tablist">
              {tabs.map((one) => (
                <button key={one} type="button" role="tab" aria-selected={tab === one} onClick={() => showTab(one)}>
                  {kTabs[one]}
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
          {tab === 'answer' && asked.data && <ApprovalView instance={instanceKey} approval={asked.data} />}
          {tab === 'log' && (
            <LogView
              key={attempt}
              instance={instanceKey}
              attempt={newest === 0 ? 0 : attempt}
              active={attempt === newest && state === 'running'}
            />
          )}
          {tab === 'job' && report && <JobReportView report={report} />}
          {tab === 'fields' && <RenderedFields fields={Object.entries(instance.rendered_fields ?? {})} />}
          {tab === 'xcoms' && <XComs instance={instanceKey} />}
          {tab === 'state' && <TaskState instance={instanceKey} />}
        </div>
        <aside className="task-side">
          {telling && why.data && why.data.reasons.length > 0 && <WhyCard why={why.data} />}
          <Facts
            instance={instance}
            shown={shown ?? instance}
            attempts={newest}
            said={why.data?.reasons.map((reason) => reason.message) ?? []}
          />
          {tasks.data && <Neighbours dag={dag} run={run} task={task} tasks={tasks.data.tasks} />}
          {definition?.doc_md && (
            <section className="card" aria-label="Documentation">
              <h2>About</h2>
              <p className="doc">{definition.doc_md}</p>
            </section>
          )}
        </aside>
      </div>
    </>
  );
}

// Earlier tries as the server remembers them, and the present one as the task instance says: it is fresher.
function attemptsOf(instance: TaskInstance | undefined, tries: TaskInstance[]): TaskInstance[] {
  const byNumber = new Map(tries.filter((one) => one.try_number > 0).map((one) => [one.try_number, one]));
  if (instance && instance.try_number > 0) byNumber.set(instance.try_number, instance);
  return [...byNumber.values()].sort((a, b) => a.try_number - b.try_number);
}
