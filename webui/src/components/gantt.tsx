// When each task of a run waited for a slot and when it was at work, on the run's own time axis: rows as in the grid, where groups
// and mapped tasks open and close. Only rows in view are in the document.
import {useLayoutEffect, useMemo, useRef, useState} from 'react';
import {ChevronIcon} from './icons';
import {StateDot, stateClass, stateLabel} from './state';
import {useNow} from './times';
import type {OpenNodes} from './use_open';
import {useInstances} from '../api/queries';
import type {GridCell} from '../api/types';
import {formatDuration, formatTick} from '../format/duration';
import {barOf, cellOf, spanOf, ticksOf, type Bar, type Span} from '../format/gantt';
import {describeCounts, summarise} from '../format/summary';
import {rowsOf, type Row, type Structure} from '../graph/structure';
import type {Cells} from '../live/cells';
import {visibleWindow} from '../log/window';
import {Link, taskHref} from '../router';

const kRowHeight = 28;
const kIndent = 14;
// Of the axis' width, per mark.
const kTickRoom = 110;

interface Props {
  dag: string;
  run: string;
  structure: Structure;
  nodes: OpenNodes;
  cells: Cells;
}

export function Gantt({dag, run, structure, nodes, cells}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600, width: 800});
  const mapped = [...structure.tasks.values()].filter((node) => node.mapped && nodes.open.has(node.id));
  const instances = useInstances(
    dag,
    run,
    mapped.map((node) => node.id),
  );
  const signature = mapped.map((node) => `${node.id}:${instances.get(node.id)?.length ?? 0}`).join('\n');
  const rows = useMemo(
    () =>
      rowsOf(structure, nodes.open, (task) =>
        (instances.get(task) ?? []).map((one) => one.map_index).filter((index) => index >= 0),
      ),
    // Which instances there are changes rarely; how they stand is looked up by row.
    [structure, nodes.open, signature],
  );
  const cellOfRow = (row: Row): GridCell | undefined => {
    if (row.kind === 'task') return cells.get(run, row.node.id);
    if (row.kind === 'group') {
      return summarise(
        run,
        row.node.id,
        row.node.tasks.map((task) => cells.get(run, task)),
      );
    }
    const one = instances.get(row.node.id)?.find((instance) => instance.map_index === row.mapIndex);
    return one && cellOf(one);
  };
  const tasks = [...structure.tasks.keys()].map((task) => cells.get(run, task));
  const going = tasks.some((cell) => barOf(cell, 0).going);
  const now = useNow(going, 500);
  const span = spanOf(tasks.map((cell) => barOf(cell, now)));
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setScroll({top: element.scrollTop, height: element.clientHeight, width: element.clientWidth});
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const {first, end} = visibleWindow(rows.length, kRowHeight, scroll.top, scroll.height, 10);
  const ticks = ticksOf(span.length / 1000, Math.max(2, Math.floor((scroll.width - 220) / kTickRoom)));
  const share = (seconds: number) => `${((seconds * 1000) / span.length) * 100}%`;
  return (
    <div
      ref={box}
      className="gantt"
      onScroll={(event) =>
        setScroll({
          top: event.currentTarget.scrollTop,
          height: event.currentTarget.clientHeight,
          width: event.currentTarget.clientWidth,
        })
      }
    >
      <div className="gantt-head">
        <span className="gantt-name" />
        <span className="gantt-axis">
          {ticks.map((tick) => (
            <span key={tick} style={{left: share(tick)}}>
              {formatTick(tick)}
            </span>
          ))}
        </span>
      </div>
      <div className="gantt-rows" style={{height: rows.length * kRowHeight}}>
        <div className="gantt-lines" aria-hidden="true">
          <span className="gantt-name" />
          <span className="gantt-axis">
            {ticks.map((tick) => (
              <span key={tick} style={{left: share(tick)}} />
            ))}
          </span>
        </div>
        <div style={{transform: `translateY(${first * kRowHeight}px)`}}>
          {rows.slice(first, end).map((row) => (
            <GanttRow
              key={row.key}
              dag={dag}
              run={run}
              row={row}
              cell={cellOfRow(row)}
              span={span}
              now={now}
              onToggle={nodes.toggle}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  dag: string;
  run: string;
  row: Row;
  cell: GridCell | undefined;
  span: Span;
  now: number;
  onToggle: (id: string) => void;
}

function GanttRow({dag, run, row, cell, span, now, onToggle}: RowProps) {
  const bar = barOf(cell, now);
  const openable = row.kind === 'group' || (row.kind === 'task' && row.node.mapped);
  const name = row.kind === 'instance' ? `[${row.mapIndex}]` : row.node.label;
  const inner = (
    <>
      <StateDot state={cell?.state ?? null} />
      <span className="gantt-label">{name}</span>
      {openable && cell?.instances !== undefined && <span className="grid-count">{cell.instances}</span>}
    </>
  );
  return (
    <div className="gantt-row" data-id={row.key} data-kind={row.kind} title={titleOf(row, cell, bar)}>
      <span className="gantt-name" style={{paddingLeft: 8 + row.depth * kIndent}}>
        {openable ? (
          <button
            type="button"
            className="grid-toggle"
            aria-expanded={row.open}
            aria-label={`${row.open ? 'Close' : 'Open'} ${row.node.id}`}
            onClick={() => onToggle(row.node.id)}
          >
            <ChevronIcon />
          </button>
        ) : (
          <span className="grid-toggle" />
        )}
        {row.kind === 'group' ? (
          <span className="gantt-link strong">{inner}</span>
        ) : (
          <Link
            className="gantt-link"
            href={taskHref(dag, run, row.node.id, {map: row.kind === 'instance' ? row.mapIndex : -1})}
          >
            {inner}
          </Link>
        )}
      </span>
      <Track bar={bar} span={span} cell={cell} folded={openable} />
    </div>
  );
}

function Track({bar, span, cell, folded}: {bar: Bar; span: Span; cell: GridCell | undefined; folded: boolean}) {
  const place = (time: number) => ((time - span.begin) / span.length) * 100;
  const {queued, start, end} = bar;
  if (end === null) {
    return (
      <span className="gantt-track">
        <span className="gantt-took faint" data-side="right">
          {stateLabel(cell?.state)}
        </span>
      </span>
    );
  }
  const from = place(queued ?? start ?? end);
  const to = place(end);
  const took = start === null ? null : (end - start) / 1000;
  const text = took === null ? stateLabel(cell?.state) : formatDuration(took);
  // Behind the bar where there is room, else before it, else upon it.
  const side = to <= 85 ? 'right' : from > 15 ? 'left' : 'inside';
  const where = side === 'left' ? {right: `${100 - from}%`} : {left: `${to}%`};
  return (
    <span className="gantt-track">
      {queued !== null && (
        <span
          className="gantt-queued"
          data-bar="queued"
          style={{left: `${place(queued)}%`, width: `${place(start ?? end) - place(queued)}%`}}
        />
      )}
      {start !== null && (
        <span
          className={`gantt-bar ${stateClass(cell?.state)} ${folded ? 'gantt-folded' : ''}`}
          data-bar="running"
          style={{left: `${place(start)}%`, width: `${to - place(start)}%`}}
        />
      )}
      <span className="gantt-took" data-side={side} style={where}>
        {text}
      </span>
    </span>
  );
}

function titleOf(row: Row, cell: GridCell | undefined, bar: Bar): string {
  const name = row.kind === 'instance' ? `${row.node.id} [${row.mapIndex}]` : row.node.id;
  const lines = [name, cell?.states ? describeCounts(cell.states, stateLabel) : stateLabel(cell?.state)];
  if (bar.queued !== null)
    lines.push(`waited ${formatDuration(((bar.start ?? bar.end ?? bar.queued) - bar.queued) / 1000)} for a slot`);
  if (bar.start !== null && bar.end !== null)
    lines.push(`${bar.going ? 'at work for' : 'took'} ${formatDuration((bar.end - bar.start) / 1000)}`);
  if (cell && cell.try_number > 1) lines.push(`attempt ${cell.try_number}`);
  return lines.join('\n');
}
