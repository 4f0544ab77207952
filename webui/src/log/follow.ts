// Reads an attempt's log page by page and follows it while the attempt writes. No React in here.
import type {LogChunk} from '../api/types';

export interface FollowOptions {
  read: (token: string | null, signal: AbortSignal) => Promise<LogChunk>;
  // Whether the attempt may still write. Asked after every page.
  active: () => boolean;
  // reset: the server gave the whole log again, so what was shown is to be replaced.
  onChunk: (content: LogChunk['content'], reset: boolean) => void;
  onError: (error: Error | null) => void;
  onIdle: (complete: boolean) => void;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const kQuiet = 1000;
const kAfterError = 3000;
// Logs travel beside reports: the last lines may come a moment after the end, until the server gives no token any more.
const kQuietAfterEnd = 5;

export async function followLog(options: FollowOptions, signal: AbortSignal): Promise<void> {
  let token: string | null = null;
  let first = true;
  let quietAfterEnd = 0;
  while (!signal.aborted) {
    const wasActive = options.active();
    try {
      const chunk = await options.read(token, signal);
      if (signal.aborted) return;
      options.onError(null);
      if (chunk.content.length > 0 || first) options.onChunk(chunk.content, token === null);
      const next = chunk.continuation_token ?? null;
      const over = next === null && (!wasActive || !first);
      const more = next !== null && next !== token && chunk.content.length > 0;
      first = false;
      token = next;
      if (more) continue;
      if (over || (!wasActive && ++quietAfterEnd >= kQuietAfterEnd)) return options.onIdle(true);
      options.onIdle(false);
      await options.wait(kQuiet, signal);
    } catch (error) {
      if (signal.aborted) return;
      options.onError(error as Error);
      await options.wait(kAfterError, signal);
    }
  }
}
