// How long a DAG took, run by run: the runs as a whole and the tasks that are chosen as lines over the runs, by their length or
// by how long after they were due they were done. The table has the numbers, and is where one chooses.
import {useMemo, useState, type CSSProperties} from 'react';
import {Empty, ErrorNotice, Skeleton} from './notice';
import {SearchBox} from './search_box';
import {Segments} from './segments';
import {stateClass, stateLabel} from './state';
import {useGrid, useTasks} from '../api/queries';
import type {DagRun} from '../api/types';
import {formatDuration, formatTick} from '../format/duration';
import {allSeries, inTime, kWholeRun, stretches, type Measure, type Series} from '../format/durations';
import {axisOf} from '../format/gantt';
import {formatTime, useZone} from '../format/time';
import {Cells} from '../live/cells';
import {dagHref, Link, setSearchParams, taskHref, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kLimits = [25, 50, 100, 365];
const kMeasures: [Measure, string, string][] = [
  ['duration', 'Duration', 'From the start to the end (g)'],
  ['landing', 'Landing', 'From when the run was due to the end (g)'],
];
// As many as there are colours that can be told apart.
const kMost = 6;
const kFirstChosen = 4;
const kRows = 100;
const kSearchFrom = 15;
const kPointsUpTo = 60;
// Milliseconds; within less, days would all be the same.
const kDatesFrom = 3 * 86_400_000;
const kWidth = 1000;
const kHeight = 100;

const nameOf = (id: string) => (id === kWholeRun ? 'Whole run' : id);

export function DagDurations({dag}: {dag: string}) {
  const [limit, setLimit] = useState(kLimits[0] as number);
  const grid = useGrid(dag, limit);
  const tasks = useTasks(dag);
  const measure: Measure = useSearchParam('measure') === 'landing' ? 'landing' : 'duration';
  const named = useSearchParam('tasks');
  const runs = useMemo(() => inTime(grid.data?.runs ?? []), [grid.data]);
  const series = useMemo(() => {
    const cells = new Cells(grid.data?.task_instances ?? []);
    const ids = (tasks.data?.tasks ?? []).map((task) => task.task_id);
    return allSeries(runs, ids, (run, task) => cells.get(run, task), measure);
  }, [runs, grid.data, tasks.data, measure]);
  const measured = series.filter((one) => one.median !== null);
  const chosen = named === null ? measured.slice(0, kFirstChosen).map((one) => one.id) : named.split(',');
  const drawn = chosen.flatMap((id) => measured.find((one) => one.id === id) ?? []).slice(0, kMost);
  const show = (next: Measure) => setSearchParams({measure: next === 'duration' ? null : next});
  useShortcuts({g: () => show(measure === 'duration' ? 'landing' : 'duration')});
  const toggle = (id: string) => {
    const ids = drawn.map((one) => one.id);
    const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
    // None of them: the address says so too, or the first would come back.
    setSearchParams({tasks: next.length > 0 ? next.join(',') : ','});
  };
  const error = grid.error ?? tasks.error;
  const pending = grid.isPending || tasks.isPending;
  return (
    <div className="dag-tab durations-page">
      <header className="page-head">
        <h2>{measure === 'duration' ? 'How long it took' : 'How long after it was due it was done'}</h2>
        <Segments label="Measure" choices={kMeasures} value={measure} onChoose={show} />
        <Segments label="Number of runs" choices={kLimits} value={limit} onChoose={setLimit} />
      </header>
      {error && <ErrorNotice error={error} retry={() => void Promise.all([grid.refetch(), tasks.refetch()])} />}
      {pending && <Skeleton rows={8} />}
      {!pending && !error && measured.length === 0 && (
        <Empty title="No run has ended yet">How long runs and tasks took is drawn here, a point a run.</Empty>
      )}
      {measured.length > 0 && (
        <>
          <Chart dag={dag} runs={runs} drawn={drawn} measure={measure} />
          <SeriesTable series={series} drawn={drawn} measure={measure} onToggle={toggle} />
        </>
      )}
    </div>
  );
}

const colour = (place: number) => ({'--series': `var(--series-${place + 1})`}) as CSSProperties;

interface ChartProps {
  dag: string;
  runs: readonly DagRun[];
  drawn: readonly Series[];
  measure: Measure;
}

function Chart({dag, runs, drawn, measure}: ChartProps) {
  const zone = useZone();
  const {top, ticks} = axisOf(Math.max(...drawn.map((one) => one.longest ?? 0)), 4);
  const x = (place: number) => (place + 0.5) / runs.length;
  const y = (value: number) => value / top;
  const when = (run: DagRun | undefined, detail: 'date' | 'minutes') =>
    formatTime(run?.logical_date ?? run?.run_after, zone, detail);
  const dated = runs.flatMap((run) => run.logical_date ?? run.run_after ?? []).map((time) => Date.parse(time));
  const marks = Math.max(...dated) - Math.min(...dated) > kDatesFrom ? 'date' : 'minutes';
  const titleOf = (run: DagRun, place: number) =>
    [
      `${when(run, 'minutes')} ${zone}, ${stateLabel(run.state)}`,
      ...drawn.map((one) => `${nameOf(one.id)}: ${formatDuration(one.values[place])}`),
    ].join('\n');
  return (
    <section className="card durations-chart" aria-label={measure === 'duration' ? 'Durations' : 'Landing times'}>
      <div className="durations-scale" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{bottom: `${y(tick) * 100}%`}}>
            {formatTick(tick)}
          </span>
        ))}
      </div>
      <div className="durations-plot">
        {ticks.map((tick) => (
          <span key={tick} className="durations-line" style={{bottom: `${y(tick) * 100}%`}} />
        ))}
        {runs.map((run, i) => (
          <Link
            key={run.dag_run_id}
            className={`durations-run ${stateClass(run.state)}`}
            data-state={run.state}
            href={dagHref(dag, run.dag_run_id)}
            tabIndex={-1}
            aria-label={run.dag_run_id}
            title={titleOf(run, i)}
            style={{left: `${(i / runs.length) * 100}%`, width: `${100 / runs.length}%`}}
          />
        ))}
        <svg viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" aria-hidden="true">
          {drawn.map((one, place) =>
            stretches(one.values).map((part) => (
              <polyline
                key={`${one.id}\n${part[0]}`}
                className="durations-series"
                data-series={one.id}
                style={colour(place)}
                points={part.map((i) => `${x(i) * kWidth},${(1 - y(one.values[i] ?? 0)) * kHeight}`).join(' ')}
              />
            )),
          )}
          {drawn.length === 1 && drawn[0]?.median != null && (
            <line
              className="durations-median"
              x1={0}
              x2={kWidth}
              y1={(1 - y(drawn[0].median)) * kHeight}
              y2={(1 - y(drawn[0].median)) * kHeight}
            />
          )}
        </svg>
        {drawn.flatMap((one, place) =>
          one.values.map((value, i) => {
            const run = runs[i];
            const bad = one.states[i] === 'failed';
            if (value === null || !run || (runs.length > kPointsUpTo && !bad)) return null;
            const href = one.id === kWholeRun ? dagHref(dag, run.dag_run_id) : taskHref(dag, run.dag_run_id, one.id);
            return (
              <Link
                key={`${one.id}\n${run.dag_run_id}`}
                className="durations-point"
                data-series={one.id}
                data-failed={bad || undefined}
                href={href}
                tabIndex={-1}
                aria-label={`${nameOf(one.id)}, ${run.dag_run_id}: ${formatDuration(value)}`}
                title={`${nameOf(one.id)}: ${formatDuration(value)}, ${stateLabel(one.states[i])}\n${when(run, 'minutes')} ${zone}`}
                style={{...colour(place), left: `${x(i) * 100}%`, bottom: `${y(value) * 100}%`}}
              />
            );
          }),
        )}
      </div>
      <div className="durations-days faint" aria-hidden="true">
        <span>{when(runs[0], marks)}</span>
        {runs.length > 2 && <span>{when(runs[Math.floor(runs.length / 2)], marks)}</span>}
        <span>{when(runs.at(-1), marks)}</span>
      </div>
    </section>
  );
}

interface TableProps {
  series: readonly Series[];
  drawn: readonly Series[];
  measure: Measure;
  onToggle: (id: string) => void;
}

function SeriesTable({series, drawn, measure, onToggle}: TableProps) {
  const [wanted, setWanted] = useState('');
  const found = series.filter((one) => nameOf(one.id).toLowerCase().includes(wanted.trim().toLowerCase()));
  const rows = found.slice(0, kRows);
  return (
    <div className="card table-card">
      {series.length > kSearchFrom && (
        <div className="durations-search">
          <SearchBox
            small
            label="Search tasks"
            placeholder={`Search ${series.length - 1} tasks`}
            value={wanted}
            onChange={setWanted}
          />
          {found.length > rows.length && (
            <span className="faint">
              The {rows.length} with the highest medians, of {found.length}
            </span>
          )}
        </div>
      )}
      <table className="list-table durations-table">
        <thead>
          <tr>
            <th className="select-cell" aria-label="Drawn" />
            <th>Task</th>
            <th className="right">Median</th>
            <th className="right">{measure === 'duration' ? 'Longest' : 'Latest'}</th>
            <th className="right">Newest</th>
            <th className="right">Runs</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => {
            const place = drawn.findIndex((other) => other.id === one.id);
            const full = place < 0 && drawn.length >= kMost;
            return (
              <tr key={one.id} data-series={one.id} data-selected={place >= 0 || undefined}>
                <td className="select-cell">
                  <input
                    type="checkbox"
                    aria-label={`Draw ${nameOf(one.id)}`}
                    checked={place >= 0}
                    disabled={one.median === null || full}
                    title={full ? `At most ${kMost} at a time` : ''}
                    onChange={() => onToggle(one.id)}
                  />
                </td>
                <td className="strong">
                  <span
                    className="durations-mark"
                    data-drawn={place >= 0 || undefined}
                    style={place >= 0 ? colour(place) : {}}
                  />
                  {nameOf(one.id)}
                </td>
                <td className="right number">{formatDuration(one.median)}</td>
                <td className="right number">{formatDuration(one.longest)}</td>
                <td className="right number">{formatDuration(one.newest)}</td>
                <td className="right number faint">{one.values.filter((value) => value !== null).length}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && <p className="grid-none faint">No task matches “{wanted}”.</p>}
    </div>
  );
}
