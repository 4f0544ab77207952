// One live stream of transitions. EventSource cannot send an Authorization header, so this reads the body of a fetch. The
// server ends every stream after some minutes; it is resumed from the last event's id, so no transition is missed.
import {SseParser} from './sse_parser';
import type {Transition} from '../api/types';

export interface LiveStreamOptions {
  path: string;
  token: () => string | null;
  onTransition: (transition: Transition) => void;
  // true: events arrive. false: they do not, so poll.
  onStatus: (live: boolean) => void;
  // The stream was resumed without its place (the server no longer has it): everything may be stale.
  onGap: () => void;
  onUnauthorized: () => void;
  fetch?: typeof fetch;
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  // A stream that is silent for so long (the server sends comments in between) counts as dead.
  silence?: number;
}

const kFirstDelay = 500;
const kLongestDelay = 15000;

export class LiveStream {
  private readonly stopper = new AbortController();
  private lastId = '';

  constructor(private readonly options: LiveStreamOptions) {}

  stop(): void {
    this.stopper.abort();
  }

  async run(): Promise<void> {
    const wait = this.options.wait ?? waitFor;
    let delay = kFirstDelay;
    while (!this.stopper.signal.aborted) {
      const outcome = await this.once();
      if (this.stopper.signal.aborted || outcome === 'unauthorized') return;
      if (outcome === 'ended') {
        delay = kFirstDelay;
        await wait(50, this.stopper.signal);
        continue;
      }
      this.options.onStatus(false);
      if (outcome === 'gap') {
        this.lastId = '';
        this.options.onGap();
      }
      await wait(delay, this.stopper.signal);
      delay = Math.min(delay * 2, kLongestDelay);
    }
  }

  // 'ended' is the server's orderly end after at least one byte; everything else is tried again with growing delays.
  private async once(): Promise<'ended' | 'broken' | 'gap' | 'unauthorized'> {
    const attempt = new AbortController();
    const giveUp = () => attempt.abort();
    this.stopper.signal.addEventListener('abort', giveUp);
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, this.options.silence ?? 60000);
    };
    let received = false;
    try {
      const headers: Record<string, string> = {Accept: 'text/event-stream'};
      const token = this.options.token();
      if (token !== null) headers['Authorization'] = `Bearer ${token}`;
      if (this.lastId !== '') headers['Last-Event-ID'] = this.lastId;
      heard();
      const get = this.options.fetch ?? fetch;
      const response = await get(this.options.path, {headers, signal: attempt.signal, cache: 'no-store'});
      if (response.status === 401) {
        this.options.onUnauthorized();
        return 'unauthorized';
      }
      if (response.status === 410 || (response.status === 400 && this.lastId !== '')) return 'gap';
      if (!response.ok || !response.body) return 'broken';
      this.options.onStatus(true);
      const parser = new SseParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) return received ? 'ended' : 'broken';
        received = true;
        heard();
        for (const event of parser.push(decoder.decode(value, {stream: true}))) {
          if (event.id !== '') this.lastId = event.id;
          if (event.event === 'transition') this.deliver(event.data);
          else if (event.event === 'gap') this.options.onGap();
        }
      }
    } catch {
      return 'broken';
    } finally {
      clearTimeout(watchdog);
      this.stopper.signal.removeEventListener('abort', giveUp);
    }
  }

  private deliver(data: string): void {
    let transition: Transition;
    try {
      transition = JSON.parse(data) as Transition;
    } catch {
      return; // A frame that is no JSON is nothing to act on; the next refresh shows the truth.
    }
    this.options.onTransition(transition);
  }
}

function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
