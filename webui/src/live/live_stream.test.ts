import {describe, expect, it} from 'vitest';
import {LiveStream, type LiveStreamOptions} from './live_stream';
import type {Transition} from '../api/types';

const kChange = {
  dag_id: 'd',
  dag_run_id: 'r',
  task_id: 't',
  state: 'running',
  try_number: 1,
  at: '2026-01-01T00:00:00Z',
};
const frame = (id: string) => `id: ${id}\nevent: transition\ndata: ${JSON.stringify(kChange)}\n\n`;

type Step = Response | Error | ((signal: AbortSignal) => Promise<Response>);

// Plays the answers one by one and stops the stream when there are no more.
async function play(steps: Step[], options: Partial<LiveStreamOptions> = {}) {
  const seen: Transition[] = [];
  const status: boolean[] = [];
  const requests: Record<string, string>[] = [];
  const waits: number[] = [];
  let gaps = 0;
  let refused = 0;
  const stream: LiveStream = new LiveStream({
    path: '/events',
    token: () => 'secret',
    onTransition: (transition) => seen.push(transition),
    onStatus: (live) => status.push(live),
    onGap: () => gaps++,
    onUnauthorized: () => refused++,
    wait: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
    fetch: ((_path: string, init: RequestInit) => {
      requests.push(init.headers as Record<string, string>);
      const step = steps.shift();
      if (steps.length === 0) queueMicrotask(() => setTimeout(() => stream.stop()));
      if (step === undefined)
        return new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
      if (step instanceof Error) return Promise.reject(step);
      return typeof step === 'function' ? step(init.signal as AbortSignal) : Promise.resolve(step);
    }) as typeof fetch,
    ...options,
  });
  await stream.run();
  return {seen, status, requests, waits, gaps, refused};
}

describe('LiveStream', () => {
  it('sends the token and delivers transitions', async () => {
    const result = await play([new Response(`: hello\n\n${frame('1.0')}`)]);
    expect(result.requests[0]?.['Authorization']).toBe('Bearer secret');
    expect(result.requests[0]?.['Last-Event-ID']).toBeUndefined();
    expect(result.seen).toEqual([kChange]);
    expect(result.status[0]).toBe(true);
  });

  it('resumes after the last event that it saw, at once and without calling it a failure, when the server ends the stream', async () => {
    const result = await play([new Response(frame('1.0') + frame('4.2')), new Response(frame('5.0'))]);
    expect(result.requests[1]?.['Last-Event-ID']).toBe('4.2');
    expect(result.waits[0]).toBeLessThan(100);
    expect(result.status).not.toContain(false);
    expect(result.seen).toHaveLength(3);
  });

  it('resumes after a break in the middle of an event without delivering half of it', async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${frame('1.0')}id: 2.0\ndata: {"half`));
        setTimeout(() => controller.error(new Error('reset')));
      },
    });
    const result = await play([new Response(broken), new Response(frame('2.0'))]);
    expect(result.requests[1]?.['Last-Event-ID']).toBe('1.0');
    expect(result.seen).toHaveLength(2);
    expect(result.status).toContain(false);
  });

  it('waits longer after every failure, and briefly again after a success', async () => {
    const bad = () => new Response('', {status: 503});
    const result = await play([bad(), bad(), bad(), new Error('refused'), new Response(frame('1.0')), bad(), bad()]);
    expect(result.waits.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
    expect(result.waits[5]).toBe(500);
  });

  it('stops and asks for a login when the token is refused', async () => {
    const result = await play([new Response('', {status: 401}), new Response(frame('1.0'))]);
    expect(result.refused).toBe(1);
    expect(result.requests).toHaveLength(1);
  });

  it('starts afresh and says so when the server no longer has its place', async () => {
    const result = await play([
      new Response(frame('1.0')),
      new Response('', {status: 410}),
      new Response(frame('9.0')),
    ]);
    expect(result.gaps).toBe(1);
    expect(result.requests[1]?.['Last-Event-ID']).toBe('1.0');
    expect(result.requests[2]?.['Last-Event-ID']).toBeUndefined();
  });

  it('gives up on a stream that falls silent', async () => {
    const silent = (signal: AbortSignal) =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) => signal.addEventListener('abort', () => controller.error(new Error('aborted'))),
          }),
        ),
      );
    const result = await play([silent, new Response(frame('1.0')), new Response('')], {silence: 5});
    expect(result.seen).toHaveLength(1);
  });

  it('passes over a frame that is no JSON', async () => {
    const result = await play([new Response(`event: transition\ndata: {oops\n\n${frame('2.0')}`)]);
    expect(result.seen).toHaveLength(1);
  });
});
