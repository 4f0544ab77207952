// Runs as columns, tasks as rows within their groups, task instances as coloured cells, and above each run a bar as long as it
// took. Only rows in view are in the document, so a DAG of thousands of tasks scrolls like one of ten.
import {
  memo,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
} from 'react';
import {GridRow} from './grid_row';
import {useGroupKeys} from './group_changes';
import {FoldIcon} from './icons';
import {SearchBox} from './search_box';
import {Segments} from './segments';
import {stateClass, stateLabel} from './state';
import {useNow} from './times';
import type {OpenNodes} from './use_open';
import {useInstances} from '../api/queries';
import {kTaskStates, type DagRun, type GridCell, type TaskState} from '../api/types';
import {elapsed, formatDuration} from '../format/duration';
import {summarise} from '../format/summary';
import {formatTime, useZone} from '../format/time';
import {inOrder, rowsOf, type GroupNode, type Row, type Structure} from '../graph/structure';
import {visibleWindow} from '../log/window';
import type {Cells} from '../live/cells';
import {Link, navigate, runsHref} from '../router';
import {useShortcuts} from '../shortcuts';

const kRowHeight = 24;
const kAround = 12;
// As styles/dag.css has them.
const kColumnWidth = 20;
const kRightRoom = 14;
const kBarHeight = 64;
const kSearchFrom = 15;
const kLetterWidth = 7.4;
const kNarrowestName = 96;
const kWidestName = 240;
const kIndent = 14;

interface Props {
  dag: string;
  structure: Structure;
  nodes: OpenNodes;
  runs: DagRun[];
  cells: Cells;
  selected: string | null;
  onSelect: (run: string) => void;
  limit: number;
  limits: readonly number[];
  onLimit: (limit: number) => void;
}

export function DagGrid(props: Props) {
  const {dag, structure, nodes, runs, cells, selected, onSelect, limit, limits, onLimit} = props;
  const [filter, setFilter] = useState('');
  const [state, setState] = useState<TaskState | null>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600});
  const [focus, setFocus] = useState<{row: number; run: string} | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const running = runs.some((run) => run.state === 'running');
  const now = useNow(running);

  useShortcuts({l: () => navigate(runsHref(dag))});
  const groupKeys = useGroupKeys();
  const {open, toggle, toggleAll} = nodes;
  const flat = structure.groups.size === 0 && ![...structure.tasks.values()].some((node) => node.mapped);
  const opened = [...structure.tasks.values()]
    .filter((node) => node.mapped && open.has(node.id))
    .map((node) => node.id);
  const instances = useInstances(dag, selected, opened);
  const wanted = filter.trim().toLowerCase();
  const finding = wanted !== '' || state !== null;
  const shown = useMemo(
    (): Row[] => {
      if (!finding) return rowsOf(structure, open, (task) => mapIndices(instances.get(task)));
      const has = (task: string) => {
        const cell = selected === null ? undefined : cells.get(selected, task);
        return state === null || (cell?.states ? (cell.states[state] ?? 0) > 0 : (cell?.state ?? 'none') === state);
      };
      return inOrder(structure)
        .filter((node) => node.id.toLowerCase().includes(wanted) && has(node.id))
        .map((node) => ({kind: 'task', key: node.id, depth: 0, node, open: false}));
    },
    // While nothing is searched for, rows are the same whatever the cells are.
    [
      structure,
      open,
      finding,
      wanted,
      state,
      finding ? cells : null,
      finding ? selected : null,
      rowSignature(opened, instances),
    ],
  );
  const sums = useMemo(() => new Map<string, (GridCell | undefined)[]>(), [structure, cells, runs]);
  const groupCells = (group: GroupNode) => {
    const known = sums.get(group.id);
    if (known) return known;
    const found = runs.map(({dag_run_id: run}) =>
      summarise(
        run,
        group.id,
        group.tasks.map((task) => cells.get(run, task)),
      ),
    );
    sums.set(group.id, found);
    return found;
  };
  const cellsOf = (row: Row): (GridCell | undefined)[] => {
    if (row.kind === 'group') return groupCells(row.node);
    if (row.kind === 'task') return runs.map((run) => cells.get(run.dag_run_id, row.node.id));
    const one = instances.get(row.node.id)?.find((instance) => instance.map_index === row.mapIndex);
    return runs.map((run) => (one && run.dag_run_id === selected ? {...one, task_id: row.node.id} : undefined));
  };
  const {first, end} = visibleWindow(shown.length, kRowHeight, scroll.top, scroll.height, kAround);
  const nameWidth = useMemo(() => {
    const width = (row: Row) => {
      if (row.kind === 'instance') return row.depth * kIndent + 50;
      const counted = row.kind === 'group' || row.node.mapped;
      return row.node.label.length * kLetterWidth + row.depth * kIndent + (counted ? 40 : 0);
    };
    return Math.min(
      kWidestName,
      Math.max(kNarrowestName, shown.reduce((most, row) => Math.max(most, width(row)), 0) + (flat ? 28 : 46)),
    );
  }, [shown, flat]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setScroll({top: element.scrollTop, height: element.clientHeight});
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // The newest runs are at the right edge; show them first.
  useLayoutEffect(() => {
    const element = box.current;
    if (element) element.scrollLeft = element.scrollWidth;
  }, [runs.length]);
  useEffect(() => {
    if (!focus) return;
    box.current
      ?.querySelector<HTMLElement>(`[data-row="${focus.row}"] [data-run="${CSS.escape(focus.run)}"]`)
      ?.focus({preventScroll: false});
  }, [focus, first, end]);

  const move = (event: KeyboardEvent) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-run]');
    const row = Number((event.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset['row'] ?? -1);
    const run = cell?.dataset['run'];
    if (run === undefined) return;
    const column = runs.findIndex((one) => one.dag_run_id === run);
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      PageUp: [-15, 0],
      PageDown: [15, 0],
      Home: [-row, 0],
      End: [shown.length, 0],
    };
    const at = shown[row];
    if (at?.kind === 'group' && !event.ctrlKey && !event.metaKey && groupKeys(event.key, at.node)) {
      event.preventDefault();
      return;
    }
    if (event.key === ' ' && at && (at.kind === 'group' || (at.kind === 'task' && at.node.mapped))) {
      event.preventDefault();
      toggle(at.node.id);
      return;
    }
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const nextRow = Math.max(0, Math.min(shown.length - 1, row + step[0]));
    const nextRun = runs[Math.max(0, Math.min(runs.length - 1, column + step[1]))];
    if (!nextRun) return;
    const element = box.current;
    if (element) {
      const top = nextRow * kRowHeight;
      const room = element.clientHeight - headHeight(element) - kRowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top > element.scrollTop + room) element.scrollTop = top - room;
    }
    setFocus({row: nextRow, run: nextRun.dag_run_id});
    onSelect(nextRun.dag_run_id);
  };

  return (
    <section className="card pane grid-pane" aria-label="Runs">
      <div className="pane-head">
        {structure.tasks.size >= kSearchFrom ? (
          <SearchBox
            small
            label="Search tasks"
            placeholder={`Search ${structure.tasks.size} tasks`}
            value={filter}
            onChange={setFilter}
          />
        ) : (
          <h2>Runs</h2>
        )}
        {structure.groups.size > 0 && (
          <button
            type="button"
            className="icon-button grid-fold"
            title="Open or close all groups (e)"
            aria-label="Open or close all groups"
            onClick={toggleAll}
          >
            <FoldIcon />
          </button>
        )}
        <Link
          href={runsHref(dag)}
          className="button button-small"
          title="All runs as a list, to change several at once (l)"
        >
          List
        </Link>
        <Segments label="Number of runs" choices={limits} value={limit} onChoose={onLimit} />
      </div>
      <div
        ref={box}
        className="grid-box"
        data-flat={flat || undefined}
        style={
          {
            '--name-width': `${nameWidth}px`,
            '--grid-width': `${nameWidth + runs.length * kColumnWidth + kRightRoom}px`,
          } as CSSProperties
        }
        onKeyDown={move}
        onScroll={({currentTarget: {scrollTop: top, clientHeight: height}}) =>
          // Only what moves the window by some rows is worth drawing.
          setScroll((old) =>
            Math.abs(old.top - top) < (kAround / 2) * kRowHeight && old.height === height ? old : {top, height},
          )
        }
      >
        <GridHead runs={runs} selected={selected} now={now} onSelect={onSelect} />
        <div className="grid-rows" style={{height: shown.length * kRowHeight}}>
          <div style={{transform: `translateY(${first * kRowHeight}px)`}}>
            {shown.slice(first, end).map((row, i) => (
              <GridRow
                key={row.key}
                dag={dag}
                row={row}
                whole={finding}
                place={first + i}
                runs={runs}
                cells={cellsOf(row)}
                selected={selected}
                focusable={focus === null ? first + i === 0 : focus.row === first + i}
                onToggle={toggle}
              />
            ))}
          </div>
        </div>
        {shown.length === 0 && (
          <p className="grid-none faint">
            {state === null
              ? `No task matches “${filter}”.`
              : `No task of the selected run is in the state “${stateLabel(state)}”.`}
          </p>
        )}
      </div>
      <Legend cells={cells} chosen={state} onChoose={setState} />
    </section>
  );
}

// Above each run a bar as long as it took. Scrolling draws it no more than once.
const GridHead = memo(function GridHead({
  runs,
  selected,
  now,
  onSelect,
}: Pick<Props, 'runs' | 'selected' | 'onSelect'> & {now: number}) {
  const zone = useZone();
  const lasted = runs.map((run) => elapsed(run.start_date, run.end_date, now) ?? 0);
  const longest = Math.max(...lasted, 0.001);
  return (
    <div className="grid-head">
      <div className="grid-name grid-scale">
        <span>{formatDuration(longest)}</span>
        <span>{formatDuration(longest / 2)}</span>
        <span>0</span>
      </div>
      <div className="grid-bars">
        {runs.map((run, i) => (
          <button
            key={run.dag_run_id}
            type="button"
            className="grid-bar"
            data-selected={run.dag_run_id === selected}
            onClick={() => onSelect(run.dag_run_id)}
            aria-label={`${stateLabel(run.state)}, ${run.dag_run_id}`}
            title={`${stateLabel(run.state)} · ${formatDuration(lasted[i])}\n${run.logical_date ? `${formatTime(run.logical_date, zone, 'minutes')} ${zone}` : run.run_type}\n${run.dag_run_id}`}
          >
            <span
              className={`grid-bar-fill ${stateClass(run.state)}`}
              style={{height: Math.max(3, ((lasted[i] ?? 0) / longest) * kBarHeight)}}
            />
            <span className={`grid-kind grid-kind-${run.run_type}`} aria-hidden="true" />
          </button>
        ))}
      </div>
    </div>
  );
});

// A mapped task that has not been mapped yet has one instance without an index.
function mapIndices(instances: {map_index: number}[] | undefined): number[] {
  return (instances ?? []).map((one) => one.map_index).filter((index) => index >= 0);
}

// Changes when other instances of an open mapped task are listed.
function rowSignature(opened: string[], instances: Map<string, {map_index: number}[]>): string {
  return opened.map((task) => `${task}:${instances.get(task)?.length ?? 0}`).join('\n');
}

function headHeight(box: HTMLElement): number {
  return box.querySelector<HTMLElement>('.grid-head')?.offsetHeight ?? 0;
}

// Only states that occur: a list of all thirteen would be read by nobody. Choosing one leaves the tasks that are in it in the
// selected run, which is how one finds the failed one of a thousand.
const Legend = memo(function Legend({
  cells,
  chosen,
  onChoose,
}: {
  cells: Cells;
  chosen: TaskState | null;
  onChoose: (state: TaskState | null) => void;
}) {
  const present = cells.states();
  const states = kTaskStates.filter((state) => present.has(state) || state === chosen);
  if (states.length === 0) return null;
  return (
    <div className="legend grid-legend" role="group" aria-label="Show only tasks in the state">
      {states.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={state === chosen}
          title={`Only tasks of the selected run that are: ${stateLabel(state)}`}
          onClick={() => onChoose(state === chosen ? null : state)}
        >
          <span className={`legend-mark ${stateClass(state)}`} />
          {stateLabel(state)}
        </button>
      ))}
    </div>
  );
});
