// A log that follows. Only lines in view are in the document (text nodes, never markup), so 100,000 lines scroll like 100.
import {useDeferredValue, useLayoutEffect, useMemo, useRef, useState, type ReactNode} from 'react';
import {DownIcon, EndIcon, SaveIcon, SearchIcon, UpIcon} from './icons';
import {ErrorNotice} from './notice';
import {useLog} from './use_log';
import type {InstanceKey} from '../api/types';
import {formatCount} from '../format/number';
import {formatClock, formatTime, useZone} from '../format/time';
import {findLines, type LogLine} from '../log/log_buffer';
import {atEnd, visibleWindow} from '../log/window';
import {useShortcuts} from '../shortcuts';

const kLineHeight = 19;
const kLongestLine = 4000;

interface Props {
  instance: InstanceKey;
  attempt: number;
  // Whether the attempt may still write.
  active: boolean;
}

export function LogView({instance, attempt, active}: Props) {
  const log = useLog(instance, attempt, active);
  const {lines, dropped} = log.buffer;
  const zone = useZone();
  const box = useRef<HTMLDivElement>(null);
  const findBox = useRef<HTMLInputElement>(null);
  const [scroll, setScroll] = useState({top: 0, height: 600});
  const [follow, setFollow] = useState(true);
  const [times, setTimes] = useState(true);
  const [find, setFind] = useState('');
  const [match, setMatch] = useState(0);
  const wanted = useDeferredValue(find);
  const found = useMemo(() => findLines(lines, wanted), [lines, lines.length, wanted]);
  const current = found.length > 0 ? found[Math.min(match, found.length - 1)] : undefined;
  const {first, end} = visibleWindow(lines.length, kLineHeight, scroll.top, scroll.height, 30);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setScroll({top: element.scrollTop, height: element.clientHeight}));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && follow) element.scrollTop = element.scrollHeight;
  }, [log.version, follow, scroll.height]);

  const goTo = (index: number) => {
    const line = found[index];
    const element = box.current;
    if (line === undefined || !element) return;
    setMatch(index);
    setFollow(false);
    element.scrollTop = Math.max(0, line * kLineHeight - element.clientHeight / 2);
  };
  const step = (by: number) =>
    found.length > 0 && goTo((Math.min(match, found.length - 1) + by + found.length) % found.length);
  useShortcuts({'/': () => findBox.current?.focus(), f: () => setFollow((on) => !on)});

  const save = () => {
    const text = lines.map((line) => (line.time ? `${line.time} ${line.text}` : line.text)).join('\n');
    const address = URL.createObjectURL(new Blob([text, '\n'], {type: 'text/plain'}));
    const link = document.createElement('a');
    link.href = address;
    link.download = `${[instance.dag, instance.task, ...(instance.map < 0 ? [] : [instance.map]), attempt].join('.')}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  const digits = String(lines.length + dropped).length;
  return (
    <section className="log" aria-label={`Log of attempt ${attempt}`}>
      <div className="log-tools">
        <label className="search search-small">
          <SearchIcon />
          <input
            ref={findBox}
            type="search"
            placeholder="Find in log"
            aria-label="Find in log"
            value={find}
            spellCheck={false}
            onChange={(event) => {
              setFind(event.target.value);
              setMatch(0);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') {
                event.preventDefault();
                step(event.shiftKey ? -1 : 1);
              } else if (event.key === 'Escape') {
                setFind('');
                event.currentTarget.blur();
              }
            }}
          />
        </label>
        {wanted !== '' && (
          <span className="log-found">
            <span className="number faint">
              {found.length === 0
                ? 'none'
                : `${formatCount(Math.min(match, found.length - 1) + 1)} of ${formatCount(found.length)}`}
            </span>
            <button type="button" className="icon-button" aria-label="Previous match" onClick={() => step(-1)}>
              <UpIcon />
            </button>
            <button type="button" className="icon-button" aria-label="Next match" onClick={() => step(1)}>
              <DownIcon />
            </button>
          </span>
        )}
        <span className="log-end">
          <span className="faint number">
            {formatCount(lines.length)} {lines.length === 1 ? 'line' : 'lines'}
          </span>
          {active && (
            <span className="log-live">
              <span className="live-dot" />
              writing
            </span>
          )}
          {lines[0]?.time != null && (
            <button type="button" className="button button-small" aria-pressed={times} onClick={() => setTimes(!times)}>
              Times
            </button>
          )}
          <button
            type="button"
            className="button button-small"
            aria-pressed={follow}
            title="Stay at the newest line (f)"
            onClick={() => setFollow(!follow)}
          >
            <EndIcon /> Follow
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Save the log"
            title="Save the log"
            disabled={lines.length === 0}
            onClick={save}
          >
            <SaveIcon />
          </button>
        </span>
      </div>
      {log.error && <ErrorNotice error={log.error} />}
      <div
        ref={box}
        className="log-box"
        tabIndex={0}
        role="log"
        aria-live="off"
        onScroll={(event) => {
          const element = event.currentTarget;
          setScroll({top: element.scrollTop, height: element.clientHeight});
        }}
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
        onKeyDown={(event) =>
          (event.key === 'ArrowUp' || event.key === 'PageUp' || event.key === 'Home') && setFollow(false)
        }
        onScrollEnd={(event) => {
          const element = event.currentTarget;
          const wasAtEnd = atEnd(element.scrollTop, element.clientHeight, element.scrollHeight, kLineHeight);
          if (active) setFollow(wasAtEnd);
        }}
      >
        {dropped > 0 && <p className="log-note faint">The first {formatCount(dropped)} lines are not shown.</p>}
        {lines.length === 0 && (
          <p className="log-note faint">
            {log.loading
              ? 'Loading…'
              : active
                ? 'Nothing written yet.'
                : attempt < 1
                  ? 'No attempt was made, so there is no log.'
                  : 'The attempt wrote nothing.'}
          </p>
        )}
        <div className="log-space" style={{height: lines.length * kLineHeight}}>
          <div className="log-lines" style={{transform: `translateY(${first * kLineHeight}px)`}}>
            {lines.slice(first, end).map((line, i) => (
              <Line
                key={first + i}
                line={line}
                number={dropped + first + i + 1}
                digits={digits}
                time={times && line.time !== null ? line.time : null}
                zone={zone}
                find={wanted}
                current={first + i === current}
              />
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}

interface LineProps {
  line: LogLine;
  number: number;
  digits: number;
  time: string | null;
  zone: 'UTC' | 'local';
  find: string;
  current: boolean;
}

function Line({line, number, digits, time, zone, find, current}: LineProps) {
  const hidden = line.text.length - kLongestLine;
  const text = hidden > 0 ? line.text.slice(0, kLongestLine) : line.text;
  return (
    <div className="log-line" data-level={line.level ?? undefined} data-current={current || undefined}>
      <span className="log-number" style={{width: `${digits}ch`}}>
        {number}
      </span>
      {time !== null && (
        <time className="log-time" title={`${formatTime(time, zone, 'milliseconds')} ${zone}`}>
          {formatClock(time, zone)}
        </time>
      )}
      <span className="log-text">{find === '' ? text : marked(text, find)}</span>
      {hidden > 0 && (
        <span className="faint"> … {formatCount(hidden)} more characters; saving the log has them all</span>
      )}
    </div>
  );
}

function marked(text: string, find: string): ReactNode {
  const lower = text.toLowerCase();
  const wanted = find.toLowerCase();
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0 && parts.length < 200; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + find.length)}</mark>);
    from = at + find.length;
  }
  parts.push(text.slice(from));
  return parts;
}
