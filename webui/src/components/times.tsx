// Times and durations in running text. All clocks on a page tick together, once a second.
import {useEffect, useState} from 'react';
import {elapsed, formatDuration, formatRelative} from '../format/duration';
import {formatTime, useZone, type Detail} from '../format/time';

export function useNow(ticking: boolean, interval = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [ticking, interval]);
  return now;
}

export function Time({value, detail = 'seconds'}: {value: string | null | undefined; detail?: Detail}) {
  const zone = useZone();
  if (!value) return <span className="faint">–</span>;
  return (
    <time dateTime={value} title={`${formatTime(value, 'UTC', 'milliseconds')} UTC`}>
      {formatTime(value, zone, detail)}
    </time>
  );
}

export function Ago({value}: {value: string | null | undefined}) {
  const now = useNow(true, 5000);
  const zone = useZone();
  if (!value) return null;
  return (
    <time dateTime={value} title={`${formatTime(value, zone)} ${zone}`}>
      {formatRelative(value, now)}
    </time>
  );
}

export function Lasted({start, end}: {start: string | null | undefined; end: string | null | undefined}) {
  const now = useNow(Boolean(start) && !end);
  return <span className="number">{formatDuration(elapsed(start, end, now))}</span>;
}
