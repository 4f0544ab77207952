// When each task of a run was at work: one row a task, one bar from start to end, on the run's own time axis.
import {useLayoutEffect, useRef, useState} from 'react';
import {StateDot, stateClass, stateLabel} from './state';
import {useNow} from './times';
import type {Task} from '../api/types';
import {elapsed, formatDuration} from '../format/duration';
import type {Cells} from '../live/cells';
import {visibleWindow} from '../log/window';
import {Link, taskHref} from '../router';

const kRowHeight = 28;
const kTicks = 5;

export function Timeline({dag, run, tasks, cells}: {dag: string; run: string; tasks: Task[]; cells: Cells}) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600});
  const own = tasks.map((task) => ({task, cell: cells.get(run, task.task_id)}));
  const going = own.some(({cell}) => cell?.start_date && !cell.end_date);
  const now = useNow(going, 500);
  const starts = own.flatMap(({cell}) => (cell?.start_date ? [Date.parse(cell.start_date)] : []));
  const begin = starts.length > 0 ? starts.reduce((a, b) => Math.min(a, b)) : 0;
  const finish = own.reduce(
    (latest, {cell}) => Math.max(latest, cell?.start_date ? (cell.end_date ? Date.parse(cell.end_date) : now) : 0),
    begin + 1,
  );
  const span = finish - begin;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setScroll({top: element.scrollTop, height: element.clientHeight}));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const {first, end} = visibleWindow(own.length, kRowHeight, scroll.top, scroll.height, 10);
  return (
    <div
      ref={box}
      className="timeline"
      onScroll={(event) => setScroll({top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight})}
    >
      <div className="timeline-head">
        <span className="timeline-name" />
        <span className="timeline-axis">
          {Array.from({length: kTicks}, (_, i) => (
            <span key={i}>{i === 0 ? '0' : formatDuration((span / 1000) * (i / (kTicks - 1)))}</span>
          ))}
        </span>
      </div>
      <div style={{height: own.length * kRowHeight}}>
        <div style={{transform: `translateY(${first * kRowHeight}px)`}}>
          {own.slice(first, end).map(({task, cell}) => {
            const from = cell?.start_date ? Date.parse(cell.start_date) - begin : null;
            const took = elapsed(cell?.start_date, cell?.end_date, now);
            return (
              <Link key={task.task_id} href={taskHref(dag, run, task.task_id)} className="timeline-row">
                <span className="timeline-name" title={task.task_id}>
                  <StateDot state={cell?.state ?? null} />
                  <span>{task.task_id}</span>
                </span>
                <span className="timeline-track">
                  {from !== null && took !== null ? (
                    <>
                      <span
                        className={`timeline-bar ${stateClass(cell?.state)}`}
                        style={{left: `${(from / span) * 100}%`, width: `${((took * 1000) / span) * 100}%`}}
                      />
                      <span
                        className="timeline-took"
                        style={
                          from / span > 0.75
                            ? {right: `${100 - (from / span) * 100}%`}
                            : {left: `${((from + took * 1000) / span) * 100}%`}
                        }
                        data-side={from / span > 0.75 ? 'left' : 'right'}
                        data-inside={(from + took * 1000) / span > 0.85 && from / span <= 0.75}
                      >
                        {formatDuration(took)}
                      </span>
                    </>
                  ) : (
                    <span className="timeline-took faint" data-side="right">
                      {stateLabel(cell?.state)}
                    </span>
                  )}
                </span>
              </Link>
            );
          })}
        </div>
      </div>
    </div>
  );
}
