// One row of the grid: a group, a task, or one instance of a mapped task, with its cells.
import {memo, type MouseEvent} from 'react';
import {GroupButton} from './group_changes';
import {ChevronIcon} from './icons';
import {stateClass, stateLabel} from './state';
import {sharesStyle} from './state_bar';
import type {DagRun, GridCell} from '../api/types';
import {elapsed, formatDuration} from '../format/duration';
import {describeCounts} from '../format/summary';
import type {Row} from '../graph/structure';
import {sameCell} from '../live/cells';
import {Link, navigate, taskHref} from '../router';

interface Props {
  dag: string;
  row: Row;
  // The whole id instead of the part within its group: where rows are found by search, there is no group above.
  whole: boolean;
  place: number;
  runs: DagRun[];
  cells: (GridCell | undefined)[];
  selected: string | null;
  focusable: boolean;
  onToggle: (id: string) => void;
}

const kIndent = 14;

export const GridRow = memo(function GridRow(props: Props) {
  const {dag, row, whole, place, runs, cells, selected, focusable, onToggle} = props;
  const map = row.kind === 'instance' ? row.mapIndex : undefined;
  const openable = row.kind === 'group' || (row.kind === 'task' && row.node.mapped);
  const here = cells[runs.findIndex((run) => run.dag_run_id === selected)];
  return (
    <div className="grid-row" data-row={place} data-kind={row.kind} data-id={row.key}>
      <div className="grid-name" title={nameTitle(row)} style={{paddingLeft: 12 + row.depth * kIndent}}>
        {openable ? (
          <button
            type="button"
            className="grid-toggle"
            tabIndex={-1}
            aria-expanded={row.open}
            aria-label={`${row.open ? 'Close' : 'Open'} ${row.node.id}`}
            onClick={() => onToggle(row.node.id)}
          >
            <ChevronIcon />
          </button>
        ) : (
          <span className="grid-toggle" />
        )}
        <RowName dag={dag} row={row} whole={whole} selected={selected} onToggle={onToggle} />
        {here?.instances !== undefined && (row.kind === 'group' ? !row.open : true) && (
          <span className="grid-count">{here.instances}</span>
        )}
        {row.kind === 'group' && <GroupButton group={row.node} />}
      </div>
      <div className="grid-cells">
        {runs.map((run, i) => {
          const cell = cells[i];
          const chosen = run.dag_run_id === selected;
          const tab = focusable && (chosen || (selected === null && i === runs.length - 1)) ? 0 : -1;
          return (
            <span key={run.dag_run_id} className="grid-slot" data-selected={chosen}>
              {(row.kind !== 'instance' || cell) && (
                <Cell dag={dag} row={row} run={run.dag_run_id} map={map} cell={cell} tab={tab} onToggle={onToggle} />
              )}
            </span>
          );
        })}
      </div>
    </div>
  );
}, sameRow);

function RowName({
  dag,
  row,
  whole,
  selected,
  onToggle,
}: Pick<Props, 'dag' | 'row' | 'whole' | 'selected' | 'onToggle'>) {
  if (row.kind === 'group') {
    return (
      <button type="button" className="grid-group" tabIndex={-1} onClick={() => onToggle(row.node.id)}>
        {row.node.label}
      </button>
    );
  }
  const text = row.kind === 'instance' ? `[${row.mapIndex}]` : whole ? row.node.id : row.node.label;
  if (selected === null) return <span>{text}</span>;
  const map = row.kind === 'instance' ? row.mapIndex : -1;
  return (
    <Link href={taskHref(dag, selected, row.node.id, {map})} tabIndex={-1}>
      {text}
    </Link>
  );
}

interface CellProps {
  dag: string;
  row: Row;
  run: string;
  map: number | undefined;
  cell: GridCell | undefined;
  tab: number;
  onToggle: (id: string) => void;
}

function Cell({dag, row, run, map, cell, tab, onToggle}: CellProps) {
  const state = cell?.state ?? null;
  const name = row.kind === 'instance' ? `${row.node.id} [${row.mapIndex}]` : row.node.id;
  const mixed = cell?.states !== undefined && Object.keys(cell.states).length > 1;
  const common = {
    className: mixed ? `cell cell-mixed ${stateClass(state)}` : `cell ${stateClass(state)}`,
    'data-run': run,
    tabIndex: tab,
    'aria-label': `${name}, ${run}: ${stateLabel(state)}`,
    title: cellTitle(name, cell),
    ...(mixed ? {style: sharesStyle(cell.states ?? {}, 'to top')} : {}),
  };
  if (row.kind === 'group')
    return <button type="button" {...common} aria-expanded={row.open} onClick={() => onToggle(row.node.id)} />;
  const href = taskHref(dag, run, row.node.id, {map: map ?? -1});
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...common} href={href} onClick={open} />;
}

// A row is drawn anew only when one of its own cells changed.
function sameRow(one: Props, other: Props): boolean {
  if (
    !sameKind(one.row, other.row) ||
    one.whole !== other.whole ||
    one.place !== other.place ||
    one.dag !== other.dag ||
    one.selected !== other.selected ||
    one.focusable !== other.focusable ||
    one.onToggle !== other.onToggle
  )
    return false;
  if (one.runs.length !== other.runs.length) return false;
  return one.runs.every(
    (run, i) => run.dag_run_id === other.runs[i]?.dag_run_id && sameCell(one.cells[i], other.cells[i]),
  );
}

function sameKind(one: Row, other: Row): boolean {
  const open = (row: Row) => row.kind !== 'instance' && row.open;
  return one.key === other.key && one.node === other.node && one.depth === other.depth && open(one) === open(other);
}

function nameTitle(row: Row): string {
  if (row.kind === 'instance') return `${row.node.id} [${row.mapIndex}]`;
  if (row.kind === 'group')
    return `${row.node.id}: ${row.node.tasks.length} tasks${row.node.tooltip ? `\n${row.node.tooltip}` : ''}`;
  const kind = row.node.task.operator_name;
  const role = row.node.role === 'work' ? '' : `, ${row.node.role}`;
  return kind ? `${row.node.id} (${kind}${role})` : row.node.id;
}

function cellTitle(name: string, cell: GridCell | undefined): string {
  if (!cell) return `${name}\nnot started`;
  const took =
    cell.start_date && cell.end_date ? ` · ${formatDuration(elapsed(cell.start_date, cell.end_date, 0))}` : '';
  if (cell.states) return `${name}\n${describeCounts(cell.states, stateLabel)}${took}`;
  const attempt = cell.try_number > 1 ? ` · attempt ${cell.try_number}` : '';
  return `${name}\n${stateLabel(cell.state)}${took}${attempt}`;
}
