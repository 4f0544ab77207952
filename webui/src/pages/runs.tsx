// Runs of every DAG, the newest first: found by DAG, state, type and id; several can be changed at once.
import {useDeferredValue, useState} from 'react';
import {useCan, useRunList} from '../api/queries';
import type {RunFilter} from '../api/run_routes';
import type {DagRun} from '../api/types';
import {More} from '../components/more';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {RunDialog, type RunAction} from '../components/run_dialog';
import {SearchBox} from '../components/search_box';
import {Segments} from '../components/segments';
import {SelectAll, SelectionBar, SelectRow, useSelecting, type Selecting} from '../components/selecting';
import {Shell} from '../components/shell';
import {SpacerRow} from '../components/spacer_row';
import {StateBadge} from '../components/state';
import {Ago, Lasted, Time} from '../components/times';
import {useRowWindow} from '../components/use_row_window';
import {useLive} from '../live/use_live';
import {dagHref, Link, setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kStates = ['', 'running', 'queued', 'failed', 'success'] as const;
const kTypes = ['scheduled', 'manual', 'backfill', 'asset_triggered', 'operator_triggered'];
const kRowHeight = 39;
const idOf = (run: DagRun) => `${run.dag_id}\n${run.dag_run_id}`;

export function RunsPage() {
  useLive(null);
  const dag = useSearchParam('dag') ?? '';
  const state = useSearchParam('state') ?? '';
  const type = useSearchParam('type') ?? '';
  const search = useSearchParam('search') ?? '';
  const filter: RunFilter = {state, run_type: type, run_id_pattern: useDeferredValue(search)};
  const query = useRunList(useDeferredValue(dag.trim()) || '~', filter);
  const runs = query.data?.rows ?? [];
  const writes = useCan('write');
  const [changing, setChanging] = useState<RunAction | null>(null);
  const selecting = useSelecting(writes ? runs.map(idOf) : []);
  const chosen = runs.filter((run) => selecting.chosen.has(idOf(run)));
  useShortcuts({...(chosen.length > 0 ? {c: () => setChanging('clear'), m: () => setChanging('success')} : {})});
  const filtered = dag !== '' || state !== '' || type !== '' || search !== '';
  const actions: [RunAction, string][] = [
    ['clear', 'Run again…'],
    ['success', 'Mark success…'],
    ['failed', chosen.some((run) => run.state === 'running' || run.state === 'queued') ? 'Cancel…' : 'Mark failed…'],
    ['delete', 'Delete…'],
  ];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <header className="page-head">
          <h1>Runs</h1>
          {query.data && <span className="faint">{query.data.total.toLocaleString('en')}</span>}
        </header>
        <div className="tools">
          <SearchBox slash label="Search run ids" value={search} onChange={(text) => setSearchParams({search: text})} />
          <label className="search">
            <span className="faint">DAG</span>
            <input
              name="dag"
              aria-label="DAG"
              placeholder="any"
              value={dag}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => setSearchParams({dag: event.target.value})}
            />
          </label>
          <Segments
            label="State"
            className=""
            choices={kStates.map(
              (one) => [one, one === '' ? 'All' : `${one[0]?.toUpperCase()}${one.slice(1)}`] as const,
            )}
            value={state}
            onChoose={(one) => setSearchParams({state: one})}
          />
          <select
            className="select"
            aria-label="Type"
            value={type}
            onChange={(event) => setSearchParams({type: event.target.value})}
          >
            <option value="">Any type</option>
            {kTypes.map((one) => (
              <option key={one} value={one}>
                {one.replaceAll('_', ' ')}
              </option>
            ))}
          </select>
        </div>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={8} />}
        {query.data && runs.length === 0 && !query.isError && (
          <Empty title={filtered ? 'No run matches' : 'No run yet'}>
            {filtered && (
              <button
                type="button"
                className="button"
                onClick={() => setSearchParams({dag: null, state: null, type: null, search: null})}
              >
                Show all
              </button>
            )}
          </Empty>
        )}
        {runs.length > 0 && <RunTable runs={runs} selecting={selecting} writes={writes} />}
        <More query={query} />
        <SelectionBar selecting={selecting} noun="run">
          {actions.map(([action, text]) => (
            <button
              key={action}
              type="button"
              className={`button button-small ${action === 'failed' || action === 'delete' ? 'button-danger' : ''}`}
              onClick={() => setChanging(action)}
            >
              {text}
            </button>
          ))}
        </SelectionBar>
      </div>
      {changing !== null && chosen.length > 0 && (
        <RunDialog runs={chosen} initial={changing} onClose={() => setChanging(null)} onDone={selecting.clear} />
      )}
    </Shell>
  );
}

function RunTable({runs, selecting, writes}: {runs: DagRun[]; selecting: Selecting; writes: boolean}) {
  const {body, first, end, before, after} = useRowWindow(runs.length, kRowHeight);
  return (
    <div className="card table-card">
      <table className="list-table">
        <thead>
          <tr>
            {writes && <SelectAll selecting={selecting} what="runs" />}
            <th>State</th>
            <th>DAG</th>
            <th>Run</th>
            <th>Type</th>
            <th>Logical date</th>
            <th>Started</th>
            <th className="right">Took</th>
          </tr>
        </thead>
        <tbody ref={body}>
          <SpacerRow height={before} />
          {runs.slice(first, end).map((run) => (
            <tr
              key={idOf(run)}
              data-row
              data-run={run.dag_run_id}
              data-selected={selecting.chosen.has(idOf(run)) || undefined}
            >
              {writes && <SelectRow selecting={selecting} id={idOf(run)} name={run.dag_run_id} />}
              <td>
                <StateBadge state={run.state} />
              </td>
              <td className="strong">
                <Link href={dagHref(run.dag_id)}>{run.dag_id}</Link>
              </td>
              <td>
                <Link href={dagHref(run.dag_id, run.dag_run_id)} className="cell-clip" title={run.dag_run_id}>
                  {run.dag_run_id}
                </Link>
              </td>
              <td className="faint">{run.run_type.replaceAll('_', ' ')}</td>
              <td>
                <Time value={run.logical_date} detail="minutes" />
              </td>
              <td className="faint">{run.start_date ? <Ago value={run.start_date} /> : 'waits'}</td>
              <td className="right faint">
                <Lasted start={run.start_date} end={run.end_date} />
              </td>
            </tr>
          ))}
          <SpacerRow height={after} />
        </tbody>
      </table>
    </div>
  );
}
