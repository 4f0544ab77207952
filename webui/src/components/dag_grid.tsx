// Runs as columns, tasks as rows, task instances as coloured cells, and above each run a bar as long as it took. Only rows
// in view are in the document, so a DAG of thousands of tasks scrolls like one of ten.
import {memo, useEffect, useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent} from 'react';
import {SearchIcon} from './icons';
import {stateClass, stateLabel} from './state';
import {useNow} from './times';
import {kTaskStates, type DagRun, type GridCell, type Task, type TaskState} from '../api/types';
import {elapsed, formatDuration} from '../format/duration';
import {formatTime, useZone} from '../format/time';
import {visibleWindow} from '../log/window';
import {sameCell, type Cells} from '../live/cells';
import {Link, navigate, taskHref} from '../router';

const kRowHeight = 24;
const kBarHeight = 64;
const kSearchFrom = 15;
const kLetterWidth = 7.4;
const kNarrowestName = 96;
const kWidestName = 220;

interface Props {
  dag: string;
  tasks: Task[];
  runs: DagRun[];
  cells: Cells;
  selected: string | null;
  onSelect: (run: string) => void;
  limit: number;
  limits: readonly number[];
  onLimit: (limit: number) => void;
}

export function DagGrid({dag, tasks, runs, cells, selected, onSelect, limit, limits, onLimit}: Props) {
  const [filter, setFilter] = useState('');
  const [state, setState] = useState<TaskState | null>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600});
  const [focus, setFocus] = useState<{row: number; run: string} | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const running = runs.some((run) => run.state === 'running');
  const now = useNow(running);
  const zone = useZone();

  const shown = tasks.filter(
    (task) =>
      task.task_id.toLowerCase().includes(filter.toLowerCase()) &&
      (state === null || (selected !== null && (cells.get(selected, task.task_id)?.state ?? 'none') === state)),
  );
  const {first, end} = visibleWindow(shown.length, kRowHeight, scroll.top, scroll.height, 12);
  const lasted = runs.map((run) => elapsed(run.start_date, run.end_date, now) ?? 0);
  const longest = Math.max(...lasted, 0.001);
  const letters = tasks.reduce((most, task) => Math.max(most, (task.task_display_name ?? task.task_id).length), 0);
  const nameWidth = Math.min(kWidestName, Math.max(kNarrowestName, letters * kLetterWidth + 26));

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
        {tasks.length >= kSearchFrom ? (
          <label className="search search-small">
            <SearchIcon />
            <input
              type="search"
              placeholder={`Search ${tasks.length} tasks`}
              aria-label="Search tasks"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
          </label>
        ) : (
          <h2>Runs</h2>
        )}
        <div className="segments segments-small" role="group" aria-label="Number of runs">
          {limits.map((one) => (
            <button key={one} type="button" aria-pressed={one === limit} onClick={() => onLimit(one)}>
              {one}
            </button>
          ))}
        </div>
      </div>
      <div
        ref={box}
        className="grid-box"
        style={{'--name-width': `${nameWidth}px`} as CSSProperties}
        onKeyDown={move}
        onScroll={(event) => setScroll({top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight})}
      >
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
        <div className="grid-rows" style={{height: shown.length * kRowHeight}}>
          <div style={{transform: `translateY(${first * kRowHeight}px)`}}>
            {shown.slice(first, end).map((task, i) => (
              <GridRow
                key={task.task_id}
                dag={dag}
                task={task}
                row={first + i}
                runs={runs}
                cells={cells}
                selected={selected}
                focusable={focus === null ? first + i === 0 : focus.row === first + i}
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

function headHeight(box: HTMLElement): number {
  return box.querySelector<HTMLElement>('.grid-head')?.offsetHeight ?? 0;
}

interface RowProps {
  dag: string;
  task: Task;
  row: number;
  runs: DagRun[];
  cells: Cells;
  selected: string | null;
  focusable: boolean;
}

const GridRow = memo(function GridRow({dag, task, row, runs, cells, selected, focusable}: RowProps) {
  const name = task.task_display_name ?? task.task_id;
  return (
    <div className="grid-row" data-row={row}>
      <div className="grid-name" title={task.operator_name ? `${name} (${task.operator_name})` : name}>
        {selected !== null ? (
          <Link href={taskHref(dag, selected, task.task_id)} tabIndex={-1}>
            {name}
          </Link>
        ) : (
          name
        )}
      </div>
      <div className="grid-cells">
        {runs.map((run) => {
          const cell = cells.get(run.dag_run_id, task.task_id);
          const state = cell?.state ?? null;
          const chosen = run.dag_run_id === selected;
          return (
            <span key={run.dag_run_id} className="grid-slot" data-selected={chosen}>
              <a
                className={`cell ${stateClass(state)}`}
                data-run={run.dag_run_id}
                href={taskHref(dag, run.dag_run_id, task.task_id)}
                tabIndex={focusable && (chosen || (selected === null && run === runs.at(-1))) ? 0 : -1}
                aria-label={`${task.task_id}, ${run.dag_run_id}: ${stateLabel(state)}`}
                title={cellTitle(task.task_id, cell)}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  navigate(taskHref(dag, run.dag_run_id, task.task_id));
                }}
              />
            </span>
          );
        })}
      </div>
    </div>
  );
}, sameRow);

// A row is drawn anew only when one of its own cells changed.
function sameRow(one: RowProps, other: RowProps): boolean {
  if (
    one.task !== other.task ||
    one.row !== other.row ||
    one.dag !== other.dag ||
    one.selected !== other.selected ||
    one.focusable !== other.focusable
  )
    return false;
  if (one.runs.length !== other.runs.length) return false;
  return one.runs.every((run, i) => {
    const id = run.dag_run_id;
    return (
      id === other.runs[i]?.dag_run_id &&
      sameCell(one.cells.get(id, one.task.task_id), other.cells.get(id, one.task.task_id))
    );
  });
}

function cellTitle(task: string, cell: GridCell | undefined): string {
  if (!cell) return `${task}\nnot started`;
  const took =
    cell.start_date && cell.end_date ? ` · ${formatDuration(elapsed(cell.start_date, cell.end_date, 0))}` : '';
  const attempt = cell.try_number > 1 ? ` · attempt ${cell.try_number}` : '';
  return `${task}\n${stateLabel(cell.state)}${took}${attempt}`;
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
