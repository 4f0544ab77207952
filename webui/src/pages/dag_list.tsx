// Every DAG with its schedule and how its last runs went. The first page, so it answers "is everything all right?".
import {useDeferredValue, useRef, useState, type KeyboardEvent} from 'react';
import {useCan, useDags, useRecentRuns, type ListFilter} from '../api/queries';
import type {Dag, DagRun} from '../api/types';
import {FavoriteStar, useFavorite} from '../components/favorite_star';
import {PlayIcon, SearchIcon, StarIcon} from '../components/icons';
import {ImportErrors} from '../components/import_errors';
import {More} from '../components/more';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {PauseSwitch} from '../components/pause_switch';
import {Shell} from '../components/shell';
import {SpacerRow} from '../components/spacer_row';
import {stateClass, stateLabel} from '../components/state';
import {Ago, Lasted, Time} from '../components/times';
import {TriggerDialog} from '../components/trigger_dialog';
import {useRowWindow} from '../components/use_row_window';
import {scheduleText} from '../format/schedule';
import {formatTime, useZone} from '../format/time';
import {useLive} from '../live/use_live';
import {dagHref, Link, navigate, setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

const kShownRuns = 12;
const kRowHeight = 55;
type Show = 'all' | 'active' | 'paused';

export function DagListPage() {
  useLive(null);
  const search = useSearchParam('search') ?? '';
  const show = (useSearchParam('show') ?? 'all') as Show;
  const favorites = useSearchParam('favorites') === 'true';
  const mark = useFavorite();
  const tagText = useSearchParam('tags') ?? '';
  const tags = tagText === '' ? [] : tagText.split(',');
  const [triggering, setTriggering] = useState<string | null>(null);
  const writes = useCan('write');
  const searchBox = useRef<HTMLInputElement>(null);
  const table = useRef<HTMLTableSectionElement>(null);

  const filter: ListFilter = {search: useDeferredValue(search), tags};
  if (show !== 'all') filter.paused = show === 'paused';
  if (favorites) filter.favorite = true;
  const filtered = search !== '' || tags.length > 0 || show !== 'all' || favorites;
  const toggleFavorites = () => setSearchParams({favorites: favorites ? null : 'true'});
  const list = useDags(filter);
  const dags = list.data?.rows ?? [];
  const total = list.data?.total ?? 0;
  const rows = useRowWindow(dags.length, kRowHeight);
  const shown = dags.slice(rows.first, rows.end);
  const runs = useRecentRuns(shown.map((dag) => dag.dag_id));
  const known = useKnownTags(dags, tags);

  const step = (by: number) => {
    const links = [...(table.current?.querySelectorAll<HTMLAnchorElement>('a.dag-name') ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  };
  const focusedDag = () => (document.activeElement as HTMLElement | null)?.closest('tr')?.dataset['dag'] ?? null;
  useShortcuts({
    '/': () => searchBox.current?.focus(),
    j: () => step(1),
    k: () => step(-1),
    f: toggleFavorites,
    s: () => {
      const dag = dags.find((one) => one.dag_id === focusedDag());
      if (dag) mark.mutate({dag: dag.dag_id, favorite: !dag.is_favorite});
    },
    ...(writes ? {t: () => setTriggering(focusedDag())} : {}),
  });
  const leaveSearch = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === 'ArrowDown') step(1);
    else if (event.key === 'Escape') setSearchParams({search: null});
    else return;
    event.preventDefault();
  };

  const toggleTag = (tag: string) => {
    const next = tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag];
    setSearchParams({tags: next.join(',')});
  };

  return (
    <Shell crumbs={[]}>
      <div className="page dag-list">
        <ImportErrors />
        <div className="tools">
          <label className="search">
            <SearchIcon />
            <input
              ref={searchBox}
              type="search"
              placeholder="Search DAGs"
              aria-label="Search DAGs"
              value={search}
              spellCheck={false}
              onChange={(event) => setSearchParams({search: event.target.value})}
              onKeyDown={leaveSearch}
            />
            <kbd>/</kbd>
          </label>
          <div className="segments" role="group" aria-label="Show">
            {(['all', 'active', 'paused'] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={show === one}
                onClick={() => setSearchParams({show: one === 'all' ? null : one})}
              >
                {one[0]?.toUpperCase()}
                {one.slice(1)}
              </button>
            ))}
          </div>
          <button
            type="button"
            className="button button-small"
            aria-pressed={favorites}
            title="Only favorites (f)"
            onClick={toggleFavorites}
          >
            <StarIcon filled={favorites} /> Favorites
          </button>
          <div className="tags" role="group" aria-label="Tags">
            {known.map((tag) => (
              <button
                key={tag}
                type="button"
                className="tag tag-button"
                aria-pressed={tags.includes(tag)}
                onClick={() => toggleTag(tag)}
              >
                {tag}
              </button>
            ))}
          </div>
          {list.data && <span className="tools-count faint">{total === 1 ? '1 DAG' : `${total} DAGs`}</span>}
        </div>
        {list.isError && <ErrorNotice error={list.error} retry={() => void list.refetch()} />}
        {list.isPending ? (
          <Skeleton rows={8} />
        ) : dags.length === 0 && !list.isError ? (
          <Empty title={filtered ? 'No DAG matches' : 'No DAG yet'}>
            {filtered ? (
              <button
                type="button"
                className="button"
                onClick={() => setSearchParams({search: null, tags: null, show: null, favorites: null})}
              >
                Show all
              </button>
            ) : (
              'Put a YAML or JSON file into the DAG folder; it appears here by itself.'
            )}
          </Empty>
        ) : (
          <div className="card table-card">
            <table className="dag-table">
              <thead>
                <tr>
                  <th>
                    <span className="hidden">Active</span>
                  </th>
                  <th>DAG</th>
                  <th>Schedule</th>
                  <th>Next run</th>
                  <th>Last runs</th>
                  <th>Last started</th>
                  <th className="right">Took</th>
                  <th>
                    <span className="hidden">Run</span>
                  </th>
                </tr>
              </thead>
              <tbody
                ref={(body) => {
                  table.current = body;
                  rows.body(body);
                }}
              >
                <SpacerRow height={rows.before} />
                {shown.map((dag) => (
                  <DagRow
                    key={dag.dag_id}
                    dag={dag}
                    runs={runs.get(dag.dag_id) ?? []}
                    onTrigger={() => setTriggering(dag.dag_id)}
                    onTag={toggleTag}
                  />
                ))}
                <SpacerRow height={rows.after} />
              </tbody>
            </table>
          </div>
        )}
        <More query={list} />
      </div>
      {triggering !== null && (
        <TriggerDialog
          dag={triggering}
          onClose={() => setTriggering(null)}
          onTriggered={(run) => navigate(dagHref(run.dag_id, run.dag_run_id))}
        />
      )}
    </Shell>
  );
}

// Tags that were ever seen stay on offer, so that choosing one does not make the others disappear.
function useKnownTags(dags: Dag[], chosen: string[]): string[] {
  const known = useRef(new Set<string>());
  for (const dag of dags) for (const tag of dag.tags) known.current.add(tag.name);
  for (const tag of chosen) known.current.add(tag);
  return [...known.current].sort();
}

function DagRow({
  dag,
  runs,
  onTrigger,
  onTag,
}: {
  dag: Dag;
  runs: DagRun[];
  onTrigger: () => void;
  onTag: (tag: string) => void;
}) {
  const last = runs[0];
  const writes = useCan('write');
  const schedule = scheduleText(dag);
  return (
    <tr data-row data-dag={dag.dag_id} className={dag.is_paused ? 'is-paused' : ''}>
      <td>
        <PauseSwitch dag={dag.dag_id} paused={dag.is_paused} />
      </td>
      <td className="dag-cell">
        <div className="dag-line">
          <FavoriteStar dag={dag.dag_id} favorite={dag.is_favorite ?? false} />
          <Link href={dagHref(dag.dag_id)} className="dag-name">
            {dag.dag_display_name || dag.dag_id}
          </Link>
          {dag.tags.map((tag) => (
            <button key={tag.name} type="button" className="tag" onClick={() => onTag(tag.name)}>
              {tag.name}
            </button>
          ))}
          {dag.has_import_errors && (
            <span className="tag tag-bad" title="Its file has errors; the last good version is used">
              import error
            </span>
          )}
        </div>
        {dag.description && (
          <div className="dag-description" title={dag.description}>
            {dag.description}
          </div>
        )}
      </td>
      <td className="schedule" title={dag.timetable_description ?? ''}>
        {schedule === null ? <span className="faint">manual</span> : <code>{schedule}</code>}
      </td>
      <td>
        {dag.is_paused || !dag.next_dagrun_run_after ? (
          <span className="faint">–</span>
        ) : (
          <>
            <Time value={dag.next_dagrun_run_after} detail="minutes" />{' '}
            <span className="faint ago">
              <Ago value={dag.next_dagrun_run_after} />
            </span>
          </>
        )}
      </td>
      <td>
        <RunDots dag={dag.dag_id} runs={runs} />
      </td>
      <td className="faint">{last ? <Ago value={last.start_date ?? last.queued_at ?? last.run_after} /> : '–'}</td>
      <td className="right faint">{last?.start_date ? <Lasted start={last.start_date} end={last.end_date} /> : '–'}</td>
      <td className="right">
        <button
          type="button"
          hidden={!writes}
          className="icon-button run-button"
          aria-label={`Run ${dag.dag_id}`}
          title="Run now…"
          onClick={onTrigger}
        >
          <PlayIcon />
        </button>
      </td>
    </tr>
  );
}

// The last runs, oldest first, so that time runs from left to right as in the grid.
function RunDots({dag, runs}: {dag: string; runs: DagRun[]}) {
  const zone = useZone();
  const shown = runs.slice(0, kShownRuns).reverse();
  if (shown.length === 0) return <span className="faint">no runs</span>;
  return (
    <span className="run-dots">
      {shown.map((run) => (
        <Link
          key={run.dag_run_id}
          href={dagHref(dag, run.dag_run_id)}
          className={`run-dot ${stateClass(run.state)}`}
          aria-label={`${stateLabel(run.state)}: ${run.dag_run_id}`}
          title={`${stateLabel(run.state)} · ${formatTime(run.logical_date ?? run.run_after, zone, 'minutes')}\n${run.dag_run_id}`}
        />
      ))}
    </span>
  );
}
