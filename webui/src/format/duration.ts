// Durations as people read them: the two largest units, never more.

export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 0) seconds = 0;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  const rest = whole % 60;
  return rest > 0 ? `${minutes} min ${rest} s` : `${minutes} min`;
}

// The same for marks of an axis, which are round: "5 s" and not "5.00 s".
export function formatTick(seconds: number): string {
  return seconds === 0
    ? '0'
    : formatDuration(seconds)
        .replace(/(\.\d*?)0+ s$/, '$1 s')
        .replace('. s', ' s');
}

// From start to end, or to now while it still goes on.
export function elapsed(start: string | null | undefined, end: string | null | undefined, now: number): number | null {
  if (!start) return null;
  const from = Date.parse(start);
  const to = end ? Date.parse(end) : now;
  return Number.isNaN(from) || Number.isNaN(to) ? null : Math.max(0, (to - from) / 1000);
}

export function formatRelative(time: string | null | undefined, now: number): string {
  if (!time) return '';
  const seconds = (Date.parse(time) - now) / 1000;
  if (Number.isNaN(seconds)) return '';
  const size = Math.abs(seconds);
  if (size < 5) return 'now';
  const text =
    size < 60
      ? `${Math.round(size)} s`
      : size < 3600
        ? `${Math.round(size / 60)} min`
        : size < 86400
          ? `${Math.round(size / 3600)} h`
          : size < 86400 * 60
            ? `${Math.round(size / 86400)} d`
            : size < 86400 * 730
              ? `${Math.round(size / 86400 / 30.44)} months`
              : `${Math.round(size / 86400 / 365.25)} years`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}
