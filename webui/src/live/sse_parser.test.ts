import {describe, expect, it} from 'vitest';
import {SseParser, type ServerEvent} from './sse_parser';

const kStream =
  '\uFEFFid: 7.0\r\nevent: transition\r\ndata: {"a":1}\r\n\r\n: beat\n\ndata: one\ndata:two\n\nid: 8.1\rdata\r\revent: lost\n\n';
const kEvents: ServerEvent[] = [
  {id: '7.0', event: 'transition', data: '{"a":1}'},
  {id: '7.0', event: 'message', data: 'one\ntwo'},
  {id: '8.1', event: 'message', data: ''},
];

describe('SseParser', () => {
  it('reads ids, names, comments, several data lines and every kind of line end', () => {
    const parser = new SseParser();
    expect(parser.push(kStream)).toEqual(kEvents);
    expect(parser.lastId).toBe('8.1');
  });

  it('gives the same events wherever the stream is cut', () => {
    for (let cut = 1; cut < kStream.length; cut++) {
      const parser = new SseParser();
      expect([...parser.push(kStream.slice(0, cut)), ...parser.push(kStream.slice(cut))]).toEqual(kEvents);
    }
    const parser = new SseParser();
    expect([...kStream].flatMap((letter) => parser.push(letter))).toEqual(kEvents);
  });

  it('does not deliver an event whose empty line has not come', () => {
    expect(new SseParser().push('data: half\n')).toEqual([]);
  });

  it('takes an empty id as "forget the place" and ignores one with a NUL', () => {
    const parser = new SseParser();
    parser.push('id: 5\ndata: x\n\nid: 6\0\ndata: y\n\n');
    expect(parser.lastId).toBe('5');
    parser.push('id\ndata: z\n\n');
    expect(parser.lastId).toBe('');
  });
});
