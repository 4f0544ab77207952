// What ran when, over all DAGs: a row a DAG, a pool or a worker, in it the task instances that waited or worked in the chosen time.
import {useLayoutEffect, useMemo, useRef, useState} from 'react';
import {useTimeline} from '../api/queries';
import {ActivityHead, HoursChoice} from '../components/activity_head';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {SearchBox} from '../components/search_box';
import {Segments} from '../components/segments';
import {Shell} from '../components/shell';
import {stateClass, stateLabel} from '../components/state';
import {TimeSteps} from '../components/time_steps';
import {formatDuration} from '../format/duration';
import {countText} from '../format/selection';
import {clockTicks, lanesOf, type Grouping, type Lanes, type Stay} from '../format/timeline';
import {formatTime, useZone, type Zone} from '../format/time';
import {useLive} from '../live/use_live';
import {visibleWindow} from '../log/window';
import {dagHref, Link, setSearchParams, taskHref, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kHours = [1, 6, 24];
const kGroupings: [Grouping, string][] = [
  ['dag', 'By DAG'],
  ['pool', 'By pool'],
  ['worker', 'By worker'],
];
const kHour = 3_600_000;
const kLaneHeight = 22;
// Of the axis' width, per mark.
const kTickRoom = 90;
// Of the width, from where on a bar has its name in it.
const kNamed = 0.055;

interface Row {
  key: string;
  group: Lanes;
  lane: Stay[];
  first: boolean;
}

export function TimelinePage() {
  useLive(null);
  const zone = useZone();
  const asked = Number(useSearchParam('hours'));
  const hours = kHours.find((one) => one === asked) ?? 1;
  const end = Number(useSearchParam('until'));
  const until = Number.isFinite(end) && end > 0 ? end : null;
  const by = useSearchParam('by');
  const grouping = kGroupings.find(([one]) => one === by)?.[0] ?? 'dag';
  const wanted = useSearchParam('search') ?? '';
  const query = useTimeline(hours, until);
  const move = (by: number) => {
    const next = (until ?? Date.now()) + by * hours * kHour;
    setSearchParams({until: next >= Date.now() ? null : String(Math.round(next))});
  };
  const group = (next: Grouping) => setSearchParams({by: next === 'dag' ? null : next});
  useShortcuts({
    g: () => {
      const place = kGroupings.findIndex(([one]) => one === grouping);
      group(kGroupings[(place + 1) % kGroupings.length]?.[0] ?? 'dag');
    },
  });
  const [from, to] = [Date.parse(query.data?.from ?? ''), Date.parse(query.data?.to ?? '')];
  const found = useMemo(() => {
    const text = wanted.trim().toLowerCase();
    return (query.data?.task_instances ?? []).filter(
      (one) => text === '' || `${one.dag_id} ${one.task_id}`.toLowerCase().includes(text),
    );
  }, [query.data, wanted]);
  const nothing = `Nothing ${query.data?.all_listed === false ? 'of the newest runs ' : ''}waited or ran in this time`;
  const groups = useMemo(() => lanesOf(found, grouping, from, to), [found, grouping, from, to]);
  return (
    <Shell crumbs={[]} fill>
      <div className="dag-page timeline-page">
        <ActivityHead>
          <HoursChoice
            hours={hours}
            choices={kHours}
            onChoose={(one) => setSearchParams({hours: one === 1 ? null : String(one)})}
          />
          <TimeSteps
            onStep={move}
            onPresent={() => setSearchParams({until: null})}
            present={['Now', 'Up to now']}
            last={until === null}
          />
          <Segments label="Rows" choices={kGroupings} value={grouping} onChoose={group} />
          <SearchBox
            slash
            small
            label="Search DAGs and tasks"
            placeholder="DAG or task"
            value={wanted}
            onChange={(text) => setSearchParams({search: text})}
          />
        </ActivityHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && !query.data.all_listed && (
          <p className="warn-text small">
            More ran than is drawn: these are the task instances of the newest runs. Choose a shorter time to see all.
          </p>
        )}
        <div className="card timeline-card">
          {query.isPending && <Skeleton rows={8} />}
          {query.data && groups.length === 0 && (
            <Empty title={wanted === '' ? nothing : `Nothing matches “${wanted}”`}>
              {`${formatTime(query.data.from, zone, 'minutes')} – ${formatTime(query.data.to, zone, 'minutes').slice(11)} ${zone}`}
            </Empty>
          )}
          {groups.length > 0 && <Lines groups={groups} grouping={grouping} from={from} to={to} zone={zone} />}
        </div>
      </div>
    </Shell>
  );
}

interface LinesProps {
  groups: Lanes[];
  grouping: Grouping;
  from: number;
  to: number;
  zone: Zone;
}

function Lines({groups, grouping, from, to, zone}: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600, width: 900});
  const measure = (element: HTMLElement) =>
    setScroll({top: element.scrollTop, height: element.clientHeight, width: element.clientWidth});
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => measure(element));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const rows = useMemo(
    (): Row[] =>
      groups.flatMap((group) =>
        group.lanes.map((lane, i) => ({key: `${group.name}\n${i}`, group, lane, first: i === 0})),
      ),
    [groups],
  );
  const {first, end} = visibleWindow(rows.length, kLaneHeight, scroll.top, scroll.height, 10);
  const ticks = clockTicks(from, to, Math.max(2, Math.floor((scroll.width - 200) / kTickRoom)), zone);
  const share = (time: number) => (time - from) / (to - from);
  const left = (time: number) => `${share(time) * 100}%`;
  return (
    <div ref={box} className="gantt timeline" onScroll={(event) => measure(event.currentTarget)}>
      <div className="gantt-head timeline-head">
        <span className="gantt-name faint">{formatTime(new Date(from).toISOString(), zone, 'date')}</span>
        <span className="gantt-axis">
          {ticks.map(({at, text}) => (
            <span key={at} className="timeline-tick" style={{left: left(at)}}>
              {text}
            </span>
          ))}
        </span>
      </div>
      <div className="gantt-rows" style={{height: rows.length * kLaneHeight}}>
        <div className="gantt-lines" aria-hidden="true">
          <span className="gantt-name" />
          <span className="gantt-axis">
            {ticks.map(({at}) => (
              <span key={at} style={{left: left(at)}} />
            ))}
          </span>
        </div>
        <div style={{transform: `translateY(${first * kLaneHeight}px)`}}>
          {rows.slice(first, end).map((row) => (
            <div key={row.key} className="timeline-row" data-group={row.group.name} data-first={row.first || undefined}>
              <span className="gantt-name">{row.first && <GroupName group={row.group} grouping={grouping} />}</span>
              <span className="gantt-track">
                {row.lane.map((stay) => (
                  <Bar key={idOf(stay)} stay={stay} grouping={grouping} share={share} zone={zone} />
                ))}
              </span>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

const idOf = ({instance}: Stay) =>
  [instance.dag_id, instance.dag_run_id, instance.task_id, instance.map_index].join('\n');

function GroupName({group, grouping}: {group: Lanes; grouping: Grouping}) {
  const title = `${group.name}\n${countText(group.peak, 'slot')} at most at a time`;
  return (
    <span className="timeline-name" title={title}>
      {grouping === 'dag' ? <Link href={dagHref(group.name)}>{group.name}</Link> : <span>{group.name}</span>}
      {grouping !== 'dag' && <span className="faint"> {countText(group.peak, 'slot')}</span>}
    </span>
  );
}

interface BarProps {
  stay: Stay;
  grouping: Grouping;
  share: (time: number) => number;
  zone: Zone;
}

function Bar({stay, grouping, share, zone}: BarProps) {
  const {instance, queued, start, end} = stay;
  const begin = start ?? end;
  const name = instance.map_index < 0 ? instance.task_id : `${instance.task_id} [${instance.map_index}]`;
  const text = grouping === 'dag' ? name : `${instance.dag_id} ${name}`;
  return (
    <Link
      className={`timeline-bar ${stateClass(instance.state)}`}
      href={taskHref(instance.dag_id, instance.dag_run_id, instance.task_id, {map: instance.map_index})}
      tabIndex={-1}
      aria-label={`${instance.dag_id} ${name}: ${stateLabel(instance.state)}`}
      title={titleOf(stay, name, zone)}
      data-task={instance.task_id}
      style={{left: `${share(queued ?? begin) * 100}%`, width: `${(share(end) - share(queued ?? begin)) * 100}%`}}
    >
      {queued !== null && <span className="timeline-wait" style={{flexGrow: begin - queued}} />}
      {start !== null && (
        <span className="timeline-work" style={{flexGrow: Math.max(1, end - start)}}>
          {share(end) - share(start) > kNamed && text}
        </span>
      )}
    </Link>
  );
}

function titleOf({instance}: Stay, name: string, zone: Zone): string {
  const {queued_date, start_date, end_date} = instance;
  const between = (from: string, to: string | null) =>
    formatDuration(((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000);
  const lines = [`${instance.dag_id} ${name}`, stateLabel(instance.state)];
  if (queued_date !== null) lines.push(`waited ${between(queued_date, start_date)} for a slot`);
  if (start_date !== null)
    lines.push(
      `${formatTime(start_date, zone, 'seconds')} ${zone}, ${end_date === null ? 'for' : 'took'} ${between(start_date, end_date)}`,
    );
  lines.push(
    `pool ${instance.pool}, ${countText(instance.pool_slots, 'slot')}${instance.worker ? `, on ${instance.worker}` : ''}`,
  );
  return lines.join('\n');
}
