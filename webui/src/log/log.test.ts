import {describe, expect, it} from 'vitest';
import {plainText} from './ansi';
import {followLog, type FollowOptions} from './follow';
import {findLines, LogBuffer} from './log_buffer';
import {atEnd, visibleWindow} from './window';
import type {LogChunk} from '../api/types';

describe('plainText', () => {
  it('takes out colours, titles and cursor movements', () => {
    expect(plainText('\u001b[1;32mok\u001b[0m')).toBe('ok');
    expect(plainText('\u001b]0;title\u0007text\u001b]8;;http://x\u001b\\')).toBe('text');
    expect(plainText('\u001b[2K\u001b[1Gdone')).toBe('done');
  });

  it('keeps what a progress bar showed last and makes other controls visible', () => {
    expect(plainText('10%\r50%\r100%')).toBe('100%');
    expect(plainText('a\u0000b\tc')).toBe('a\uFFFDb\tc');
  });

  it('leaves markup as the text that it is', () => {
    expect(plainText('<script>alert(1)</script> &amp;')).toBe('<script>alert(1)</script> &amp;');
  });
});

describe('LogBuffer', () => {
  it('accepts strings and events, splits lines, and sees their level', () => {
    const buffer = new LogBuffer();
    buffer.append([
      'plain\n',
      {timestamp: 't', event: 'two\nlines'},
      {event: 'x', level: 'error'},
      'WARNING: y',
      'win\r\n',
      '\u001b[31mERROR\u001b[0m z',
    ]);
    expect(buffer.lines.map((line) => line.text)).toEqual([
      'plain',
      'two',
      'lines',
      'x',
      'WARNING: y',
      'win',
      'ERROR z',
    ]);
    expect(buffer.lines.map((line) => line.level)).toEqual([null, null, null, 'error', 'warning', null, 'error']);
    expect(buffer.lines[2]?.time).toBe('t');
  });

  it('drops the oldest lines of a log without end, and counts them', () => {
    const buffer = new LogBuffer();
    buffer.append(Array.from({length: 400_005}, (_, i) => `line ${i}`));
    expect(buffer.lines).toHaveLength(400_000);
    expect(buffer.dropped).toBe(5);
    expect(buffer.lines[0]?.text).toBe('line 5');
  });

  it('finds text whatever its case', () => {
    const buffer = new LogBuffer();
    buffer.append(['Alpha', 'beta', 'ALPHABET']);
    expect(findLines(buffer.lines, 'alpha')).toEqual([0, 2]);
    expect(findLines(buffer.lines, '')).toEqual([]);
  });
});

describe('visibleWindow', () => {
  it('covers what is in view, and no more than that and a few rows around it', () => {
    for (const top of [0, 5, 19, 950_000, 1_899_000, 5_000_000, -50]) {
      const {first, end} = visibleWindow(100_000, 19, top, 600, 30);
      const shown = Math.max(0, Math.min(top, 100_000 * 19 - 600));
      expect(first * 19).toBeLessThanOrEqual(shown);
      expect(end * 19).toBeGreaterThanOrEqual(shown + 600);
      expect(end - first).toBeLessThanOrEqual(600 / 19 + 2 + 60);
      expect(end).toBeLessThanOrEqual(100_000);
    }
  });

  it('is empty for nothing and whole for little', () => {
    expect(visibleWindow(0, 19, 0, 600, 30)).toEqual({first: 0, end: 0});
    expect(visibleWindow(3, 19, 0, 600, 30)).toEqual({first: 0, end: 3});
    expect(visibleWindow(3, 19, 0, 0, 0)).toEqual({first: 0, end: 0});
  });

  it('knows when somebody reads at the end', () => {
    expect(atEnd(400, 600, 1000, 19)).toBe(true);
    expect(atEnd(300, 600, 1000, 19)).toBe(false);
  });
});

describe('followLog', () => {
  async function follow(pages: (LogChunk | Error)[], activeFor: number) {
    const tokens: (string | null)[] = [];
    const chunks: [LogChunk['content'], boolean][] = [];
    const errors: (string | null)[] = [];
    const waits: number[] = [];
    let asked = 0;
    const stopper = new AbortController();
    const options: FollowOptions = {
      read: (token) => {
        tokens.push(token);
        const page = pages.shift();
        if (page === undefined) {
          stopper.abort();
          return Promise.resolve({content: []});
        }
        return page instanceof Error ? Promise.reject(page) : Promise.resolve(page);
      },
      active: () => asked++ < activeFor,
      onChunk: (content, reset) => chunks.push([content, reset]),
      onError: (error) => errors.push(error?.message ?? null),
      onIdle: () => undefined,
      wait: (milliseconds) => {
        waits.push(milliseconds);
        return Promise.resolve();
      },
    };
    await followLog(options, stopper.signal);
    return {tokens, chunks, errors, waits, left: pages.length};
  }

  it('reads all pages of a finished attempt without waiting, and stops', async () => {
    const result = await follow(
      [
        {content: ['a'], continuation_token: '1'},
        {content: ['b'], continuation_token: null},
      ],
      0,
    );
    expect(result.tokens).toEqual([null, '1']);
    expect(result.chunks.map(([content]) => content[0])).toEqual(['a', 'b']);
    expect(result.waits).toEqual([]);
  });

  it('follows an attempt that runs, and waits after its end for lines that are still on their way', async () => {
    const result = await follow(
      [
        {content: [], continuation_token: '0'},
        {content: ['a'], continuation_token: '1'},
        {content: [], continuation_token: '1'},
        {content: ['last'], continuation_token: null},
      ],
      2,
    );
    expect(result.chunks.flatMap(([content]) => content)).toEqual(['a', 'last']);
    expect(result.waits).toEqual([1000, 1000]);
    expect(result.left).toBe(0);
  });

  it('does not wait for ever for a server that never says that the log is over', async () => {
    const result = await follow(
      Array.from({length: 50}, () => ({content: [], continuation_token: '7'})),
      0,
    );
    expect(result.waits).toHaveLength(4);
  });

  it('replaces what it showed when the server gives the whole log again', async () => {
    const result = await follow([{content: ['a']}, {content: ['a', 'b']}], 1);
    expect(result.chunks.map(([, reset]) => reset)).toEqual([true, true]);
  });

  it('says what went wrong, tries again from the same place, and takes it back', async () => {
    const result = await follow(
      [{content: ['a'], continuation_token: '1'}, new Error('down'), {content: [], continuation_token: null}],
      1,
    );
    expect(result.tokens).toEqual([null, '1', '1']);
    expect(result.errors).toEqual([null, 'down', null]);
    expect(result.waits).toEqual([3000]);
  });
});
