// The lines of one attempt's log as they arrive. Bounded: beyond kMaxLines the oldest are dropped, and counted.
import {plainText} from './ansi';
import type {LogChunk} from '../api/types';

export interface LogLine {
  time: string | null;
  text: string;
  level: 'error' | 'warning' | null;
}

const kMaxLines = 400_000;
const kError = /\b(ERROR|FATAL|CRITICAL|Traceback|panic)\b|^error:/;
const kWarning = /\b(WARN|WARNING)\b|^warning:/;

export class LogBuffer {
  lines: LogLine[] = [];
  dropped = 0;

  append(content: LogChunk['content']): void {
    for (const item of content) {
      const text = typeof item === 'string' ? item : (item.event ?? '');
      const time = typeof item === 'string' ? null : (item.timestamp ?? null);
      const level = typeof item === 'string' ? undefined : item.level;
      const parts = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
      for (const part of parts) {
        const line = plainText(part.endsWith('\r') ? part.slice(0, -1) : part);
        this.lines.push({time, text: line, level: levelOf(level, line)});
      }
    }
    if (this.lines.length > kMaxLines) {
      const surplus = this.lines.length - kMaxLines;
      this.lines = this.lines.slice(surplus);
      this.dropped += surplus;
    }
  }
}

function levelOf(level: string | undefined, text: string): LogLine['level'] {
  if (level === 'error' || level === 'critical') return 'error';
  if (level === 'warning') return 'warning';
  if (kError.test(text.slice(0, 200))) return 'error';
  return kWarning.test(text.slice(0, 200)) ? 'warning' : null;
}

// The indices of the lines that contain the text, whatever its case.
export function findLines(lines: readonly LogLine[], text: string): number[] {
  const wanted = text.toLowerCase();
  if (wanted === '') return [];
  const found: number[] = [];
  lines.forEach((line, i) => {
    if (line.text.toLowerCase().includes(wanted)) found.push(i);
  });
  return found;
}
