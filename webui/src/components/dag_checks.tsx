// What a DAG's checks found, run by run: a row a check, a column a run, and of the chosen check its value over the runs.
import {useMemo, useState} from 'react';
import {Empty, ErrorNotice, Skeleton} from './notice';
import {Segments} from './segments';
import {useChecks} from '../api/queries';
import type {CheckHistory} from '../api/types';
import {checkRows, pointsOf, valueText, type CheckRow, type CheckState} from '../format/checks';
import {formatTime, useZone} from '../format/time';
import {Link, setSearchParams, taskHref, useSearchParam} from '../router';

const kLimits = [25, 50, 100];
const kLabels: Record<CheckState, string> = {passed: 'passed', warned: 'warning', failed: 'failed'};
const kWidth = 600;
const kHeight = 120;

type HistoryRun = CheckHistory['runs'][number];

export function DagChecks({dag}: {dag: string}) {
  const [limit, setLimit] = useState(kLimits[0] as number);
  const query = useChecks(dag, limit);
  const chosen = useSearchParam('check');
  // Columns run from the oldest to the newest, as time does.
  const runs = useMemo(() => [...(query.data?.runs ?? [])].reverse(), [query.data]);
  const rows = useMemo(() => (query.data ? checkRows(query.data) : []), [query.data]);
  const row = rows.find((one) => idOf(one) === chosen) ?? rows.find(isBad) ?? rows[0];
  return (
    <div className="dag-tab checks-page">
      <header className="page-head">
        <h2>Checks</h2>
        <Segments label="Number of runs" choices={kLimits} value={limit} onChoose={setLimit} />
        <div className="legend calendar-legend" aria-hidden="true">
          {(['passed', 'warned', 'failed'] as const).map((state) => (
            <span key={state}>
              <span className={`check-cell check-${state}`} /> {kLabels[state]}
            </span>
          ))}
        </div>
      </header>
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton rows={6} />}
      {query.data && rows.length === 0 && (
        <Empty title="No check has run yet">
          <code>check</code> tasks, and the <code>checks</code> of <code>mapreduce</code> tasks, leave here what they
          found.
        </Empty>
      )}
      {rows.length > 0 && (
        <div className="card table-card">
          <table className="check-table">
            <thead>
              <tr>
                <th>Check</th>
                <th>Task</th>
                <th>{runs.length === 1 ? 'Run' : `The last ${runs.length} runs`}</th>
                <th className="right">Newest value</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <CheckLine key={idOf(one)} dag={dag} row={one} runs={runs} chosen={one === row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {row && <CheckPanel dag={dag} row={row} runs={runs} />}
    </div>
  );
}

const idOf = (row: CheckRow) => `${row.task} ${row.check}`;
const isBad = (row: CheckRow) => [...row.cells.values()].some((cell) => cell.state !== 'passed');

function newestOf(row: CheckRow, runs: readonly HistoryRun[]) {
  const run = runs.findLast((one) => row.cells.has(one.dag_run_id));
  return run && row.cells.get(run.dag_run_id);
}

interface LineProps {
  dag: string;
  row: CheckRow;
  runs: readonly HistoryRun[];
  chosen: boolean;
}

function CheckLine({dag, row, runs, chosen}: LineProps) {
  const zone = useZone();
  const newest = newestOf(row, runs);
  return (
    <tr data-check={idOf(row)} data-selected={chosen || undefined}>
      <td>
        <button
          type="button"
          className="check-name"
          aria-pressed={chosen}
          onClick={() => setSearchParams({check: idOf(row)})}
        >
          {row.check}
        </button>
      </td>
      <td className="faint">{row.task}</td>
      <td>
        <span className="check-cells">
          {runs.map((run) => {
            const cell = row.cells.get(run.dag_run_id);
            const when = formatTime(run.logical_date ?? run.run_after, zone, 'minutes');
            if (!cell) return <span key={run.dag_run_id} className="check-cell" title={`${when}\nnot checked`} />;
            const many = cell.instances > 1 ? `, ${cell.bad} of ${cell.instances} instances not passed` : '';
            const text = `${kLabels[cell.state]}${many}${cell.outcome.message ? `: ${cell.outcome.message}` : ''}`;
            return (
              <Link
                key={run.dag_run_id}
                href={taskHref(dag, run.dag_run_id, row.task, {map: cell.mapIndex})}
                className={`check-cell check-${cell.state}`}
                aria-label={`${run.dag_run_id}: ${text}`}
                title={`${when}\n${text}\nvalue ${valueText(cell.outcome.value)}`}
              />
            );
          })}
        </span>
      </td>
      <td className="right number">{newest ? valueText(newest.outcome.value) : '–'}</td>
    </tr>
  );
}

function CheckPanel({dag, row, runs}: {dag: string; row: CheckRow; runs: readonly HistoryRun[]}) {
  const zone = useZone();
  const cells = runs.map((run) => row.cells.get(run.dag_run_id));
  const values = cells.map((cell) => cell?.outcome.value ?? null);
  const known = values.filter((value) => value !== null);
  const points = pointsOf(values);
  const line = points.flatMap((point) => (point ? [`${point.x * kWidth},${(1 - point.y) * kHeight}`] : [])).join(' ');
  const bad = runs
    .flatMap((run, i) => (cells[i] && cells[i].state !== 'passed' ? [{run, cell: cells[i]}] : []))
    .reverse();
  const day = (run: HistoryRun | undefined) => formatTime(run?.logical_date ?? run?.run_after, zone, 'date');
  return (
    <section className="card check-panel" aria-label={`Values of ${row.check}`}>
      <h3>
        {row.check} <span className="faint">{row.type}, its value over the runs</span>
      </h3>
      <div className="check-chart">
        <span className="check-scale faint">
          {[...new Set([Math.max(...known), Math.min(...known)])].map((value) => (
            <span key={value}>{valueText(value)}</span>
          ))}
        </span>
        <div className="check-plot">
          <svg viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" role="img" aria-label="Value over runs">
            <polyline className="check-line" points={line} />
          </svg>
          {points.map(
            (point, i) =>
              point && (
                <span
                  key={runs[i]?.dag_run_id}
                  className={`check-point check-${cells[i]?.state}`}
                  style={{left: `${point.x * 100}%`, bottom: `${point.y * 100}%`}}
                  title={`${day(runs[i])}: ${valueText(values[i] ?? 0)}`}
                />
              ),
          )}
        </div>
        <span className="check-days faint">
          <span>{day(runs[0])}</span>
          <span>{day(runs.at(-1))}</span>
        </span>
      </div>
      {bad.length > 0 && (
        <ul className="check-messages">
          {bad.slice(0, 8).map(({run, cell}) => (
            <li key={run.dag_run_id}>
              <span className={`check-cell check-${cell.state}`} />
              <Link href={taskHref(dag, run.dag_run_id, row.task, {map: cell.mapIndex})} title={run.dag_run_id}>
                {formatTime(run.logical_date ?? run.run_after, zone, 'minutes')}
              </Link>
              <span>{cell.outcome.message || kLabels[cell.state]}</span>
              {cell.outcome.failing_rows > 0 && (
                <span className="faint">
                  {valueText(cell.outcome.failing_rows)} of {valueText(cell.outcome.rows)} rows
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
