// A DAG's runs by day: a year of small months, or one month. A day's colour is the worst state of its runs, in shares where there
// are several; what the schedule has in mind is lighter. A day that is chosen tells its runs.
import {useMemo, useRef, type KeyboardEvent} from 'react';
import {ErrorNotice, Skeleton} from './notice';
import {Segments} from './segments';
import {StateBadge, stateClass} from './state';
import {sharesStyle} from './state_bar';
import {TimeSteps} from './time_steps';
import {Lasted} from './times';
import {useCalendar, useDayRuns} from '../api/queries';
import type {CalendarDay} from '../api/types';
import {
  addDays,
  addMonths,
  dayState,
  dayText,
  monthName,
  monthOf,
  monthsOf,
  runsOf,
  type Month,
} from '../format/calendar';
import {dayOf, formatTime, useZone} from '../format/time';
import {dagHref, Link, runsHref, setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kSpans = [
  ['year', 'Year'],
  ['month', 'Month'],
] as const;
const kWeekdays = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];

export function DagCalendar({dag}: {dag: string}) {
  const zone = useZone();
  const today = dayOf(Date.now(), zone);
  const day = useSearchParam('day') ?? today;
  const span: 'year' | 'month' = useSearchParam('span') === 'month' ? 'month' : 'year';
  const year = Number(day.slice(0, 4));
  const months = span === 'year' ? monthsOf(year) : [monthOf(day.slice(0, 7))];
  const first = `${months[0]?.month}-01`;
  const last = `${months.at(-1)?.month}-01`;
  const query = useCalendar(dag, first, addMonths(last, 1), zone);
  const days = useMemo(() => new Map(query.data?.days.map((one) => [one.date, one])), [query.data]);
  const choose = (next: string) => setSearchParams({day: next === today ? null : next});
  const show = (next: 'year' | 'month') => setSearchParams({span: next === 'year' ? null : next});
  const page = (by: number) => choose(addMonths(day, span === 'year' ? 12 * by : by));
  useShortcuts({g: () => show(span === 'year' ? 'month' : 'year')});
  return (
    <div className="dag-tab calendar-page">
      <header className="page-head">
        <TimeSteps onStep={page} onPresent={() => choose(today)} present={['Today', 'Today']}>
          <h2>{span === 'year' ? year : `${monthName(day.slice(0, 7))} ${year}`}</h2>
        </TimeSteps>
        <Segments label="Show" choices={kSpans} value={span} onChoose={show} />
        <Legend />
      </header>
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.data?.is_paused && <p className="faint">Paused: nothing is planned.</p>}
      {query.data && !query.data.all_planned && (
        <p className="faint">More runs are planned than are shown: only the next 5,000 are counted.</p>
      )}
      <div className="calendar-body" data-span={span}>
        {query.isPending ? (
          <div className="card">
            <Skeleton rows={8} />
          </div>
        ) : (
          <Months months={months} days={days} chosen={day} today={today} span={span} onChoose={choose} />
        )}
        <DayPanel dag={dag} date={day} day={days.get(day)} />
      </div>
    </div>
  );
}

interface MonthsProps {
  months: Month[];
  days: ReadonlyMap<string, CalendarDay>;
  chosen: string;
  today: string;
  span: 'year' | 'month';
  onChoose: (date: string) => void;
}

function Months({months, days, chosen, today, span, onChoose}: MonthsProps) {
  const box = useRef<HTMLDivElement>(null);
  // One day is reached by Tab; the arrows go on from it, also into the next year.
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, string> = {
      ArrowLeft: addDays(chosen, -1),
      ArrowRight: addDays(chosen, 1),
      ArrowUp: addDays(chosen, -7),
      ArrowDown: addDays(chosen, 7),
      PageUp: addMonths(chosen, -1),
      PageDown: addMonths(chosen, 1),
      Home: `${chosen.slice(0, 8)}01`,
      End: addDays(`${addMonths(`${chosen.slice(0, 8)}01`, 1)}`, -1),
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-day="${next}"]`)?.focus());
  };
  return (
    <div ref={box} className={`card calendar calendar-${span}`} onKeyDown={move}>
      {months.map(({month, weeks}) => (
        <section key={month} className="month" aria-label={`${monthName(month)} ${month.slice(0, 4)}`}>
          {span === 'year' && (
            <h3>
              <button
                type="button"
                className="month-name"
                tabIndex={-1}
                title="Only this month"
                onClick={() => setSearchParams({day: `${month}-01`, span: 'month'})}
              >
                {monthName(month)}
              </button>
            </h3>
          )}
          <div className="month-days">
            {kWeekdays.map((name) => (
              <span key={name} className="weekday" aria-hidden="true">
                {name}
              </span>
            ))}
            {weeks
              .flat()
              .map((date, i) =>
                date === null ? (
                  <span key={i} />
                ) : (
                  <Day
                    key={date}
                    date={date}
                    day={days.get(date)}
                    chosen={date === chosen}
                    today={date === today}
                    large={span === 'month'}
                    onChoose={onChoose}
                  />
                ),
              )}
          </div>
        </section>
      ))}
    </div>
  );
}

interface DayProps {
  date: string;
  day: CalendarDay | undefined;
  chosen: boolean;
  today: boolean;
  large: boolean;
  onChoose: (date: string) => void;
}

function Day({date, day, chosen, today, large, onChoose}: DayProps) {
  const state = dayState(day);
  const mixed = Object.keys(day?.states ?? {}).length > 1;
  const text = `${date}: ${dayText(day)}`;
  return (
    <button
      type="button"
      className={`day ${state === null ? '' : state === 'planned' ? 'day-planned' : stateClass(state)}`}
      data-day={date}
      data-state={state ?? 'none'}
      data-chosen={chosen || undefined}
      data-today={today || undefined}
      tabIndex={chosen ? 0 : -1}
      aria-label={text}
      aria-pressed={chosen}
      title={text}
      style={mixed && !large ? sharesStyle(day?.states ?? {}, 'to top') : {}}
      onClick={() => onChoose(date)}
    >
      <span className="day-number">{Number(date.slice(8))}</span>
      {large && day && (
        <span className="day-runs">
          {runsOf(day) > 0 && (
            <>
              <span className="day-bar" style={sharesStyle(day.states, 'to right')} />
              <span>{runsOf(day) === 1 ? '1 run' : `${runsOf(day)} runs`}</span>
            </>
          )}
          {day.planned > 0 && <span className="faint">{day.planned} planned</span>}
        </span>
      )}
    </button>
  );
}

function Legend() {
  return (
    <div className="legend calendar-legend" aria-hidden="true">
      {(['success', 'failed', 'running', 'queued'] as const).map((state) => (
        <span key={state}>
          <span className={`legend-mark day ${stateClass(state)}`} /> {state}
        </span>
      ))}
      <span>
        <span className="legend-mark day day-planned" /> planned
      </span>
    </div>
  );
}

function DayPanel({dag, date, day}: {dag: string; date: string; day: CalendarDay | undefined}) {
  const zone = useZone();
  const runs = useDayRuns(dag, date, zone, runsOf(day) > 0);
  const list = runsOf(day) > 0 ? (runs.data ?? []) : [];
  return (
    <section className="card calendar-day" aria-label="The chosen day" aria-live="polite">
      <h3>
        {date} <span className="faint">{dayText(day)}</span>
      </h3>
      {runs.isError && <ErrorNotice error={runs.error} />}
      {list.length > 0 && (
        <ul className="day-list">
          {list.map((run) => (
            <li key={run.dag_run_id}>
              <Link href={dagHref(dag, run.dag_run_id)} title={run.dag_run_id}>
                <StateBadge state={run.state} />
                <span className="number">
                  {formatTime(run.logical_date ?? run.run_after, zone, 'minutes').slice(11)}
                </span>
                <span className="faint">{run.run_type.replaceAll('_', ' ')}</span>
                <Lasted start={run.start_date} end={run.end_date} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      {runsOf(day) > list.length && runs.data && (
        <p className="faint">
          The first {list.length} of {runsOf(day)}. <Link href={runsHref(dag)}>All runs of the DAG</Link>
        </p>
      )}
    </section>
  );
}
