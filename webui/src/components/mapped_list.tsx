// The instances of a mapped task in one run: how many are in which state, and each with what it did. Only rows in view are in the
// document.
import {useLayoutEffect, useRef, useState} from 'react';
import {Empty} from './notice';
import {StateDot, stateLabel} from './state';
import {StateBar} from './state_bar';
import {Lasted, Time} from './times';
import {kTaskStates, type StateCounts, type TaskInstance, type TaskState} from '../api/types';
import {visibleWindow} from '../log/window';
import {Link, taskHref} from '../router';

const kRowHeight = 32;

export function countsOf(instances: readonly TaskInstance[]): StateCounts {
  const counts: StateCounts = {};
  for (const one of instances) counts[one.state ?? 'none'] = (counts[one.state ?? 'none'] ?? 0) + 1;
  return counts;
}

export function MappedList({
  dag,
  run,
  task,
  instances,
}: {
  dag: string;
  run: string;
  task: string;
  instances: TaskInstance[];
}) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600});
  const [state, setState] = useState<TaskState | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setScroll({top: element.scrollTop, height: element.clientHeight}));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const counts = countsOf(instances);
  const shown = instances.filter((one) => state === null || (one.state ?? 'none') === state);
  const {first, end} = visibleWindow(shown.length, kRowHeight, scroll.top, scroll.height, 10);
  return (
    <div className="mapped">
      <div className="mapped-head">
        <StateBar counts={counts} />
        <div className="legend grid-legend" role="group" aria-label="Show only instances in the state">
          {kTaskStates
            .filter((one) => counts[one] !== undefined || one === state)
            .map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === state}
                onClick={() => setState(one === state ? null : one)}
              >
                <StateDot state={one} />
                {counts[one] ?? 0} {stateLabel(one)}
              </button>
            ))}
        </div>
      </div>
      <div
        ref={box}
        className="mapped-box"
        tabIndex={-1}
        onScroll={(event) => setScroll({top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight})}
      >
        <div className="mapped-row mapped-names">
          <span>Instance</span>
          <span>State</span>
          <span>Started</span>
          <span className="right">Took</span>
          <span className="right">Tries</span>
          <span>Worker</span>
          <span>Note</span>
        </div>
        {shown.length === 0 && <Empty title="No instance is in this state" />}
        <div style={{height: shown.length * kRowHeight}}>
          <div style={{transform: `translateY(${first * kRowHeight}px)`}}>
            {shown.slice(first, end).map((one) => (
              <Link key={one.map_index} className="mapped-row" href={taskHref(dag, run, task, {map: one.map_index})}>
                <span className="mapped-index">[{one.map_index}]</span>
                <span className="mapped-state">
                  <StateDot state={one.state} /> {stateLabel(one.state)}
                </span>
                <span>
                  <Time value={one.start_date} />
                </span>
                <span className="right">
                  <Lasted start={one.start_date} end={one.end_date} />
                </span>
                <span className="right number">{one.try_number}</span>
                <span>{one.hostname ?? ''}</span>
                <span className="mapped-note faint" title={one.note ?? ''}>
                  {one.note ?? ''}
                </span>
              </Link>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}
