// What changed between two texts, by line, as rows with the numbers of both: for a diff that is read from top to bottom.
import {diffLines} from 'diff';

export interface DiffRow {
  kind: 'same' | 'added' | 'removed' | 'gap';
  before: number | null;
  after: number | null;
  // Of a gap: how many lines are left out.
  text: string;
  skipped: number;
}

export interface TextDiff {
  rows: DiffRow[];
  added: number;
  removed: number;
}

const kContext = 4;

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function diffTexts(before: string, after: string, context = kContext): TextDiff {
  const all: DiffRow[] = [];
  let one = 0;
  let other = 0;
  for (const part of diffLines(before, after)) {
    for (const text of linesOf(part.value)) {
      if (part.added) all.push({kind: 'added', before: null, after: ++other, text, skipped: 0});
      else if (part.removed) all.push({kind: 'removed', before: ++one, after: null, text, skipped: 0});
      else all.push({kind: 'same', before: ++one, after: ++other, text, skipped: 0});
    }
  }
  const near = all.map(() => false);
  all.forEach((row, i) => {
    if (row.kind === 'same') return;
    for (let n = Math.max(0, i - context); n <= Math.min(all.length - 1, i + context); n++) near[n] = true;
  });
  const rows: DiffRow[] = [];
  for (const [i, row] of all.entries()) {
    if (near[i]) {
      rows.push(row);
      continue;
    }
    const last = rows.at(-1);
    if (last?.kind === 'gap') last.skipped++;
    else rows.push({kind: 'gap', before: null, after: null, text: '', skipped: 1});
  }
  return {
    rows,
    added: all.filter((row) => row.kind === 'added').length,
    removed: all.filter((row) => row.kind === 'removed').length,
  };
}
