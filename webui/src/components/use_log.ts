// The log of one attempt as React sees it: a buffer that grows, and a number that changes when it did.
import {useEffect, useRef, useState} from 'react';
import {client} from '../api/queries';
import {ApiError} from '../api/http';
import type {InstanceKey} from '../api/types';
import {followLog} from '../log/follow';
import {LogBuffer} from '../log/log_buffer';

export interface LogOfAttempt {
  buffer: LogBuffer;
  version: number;
  loading: boolean;
  error: Error | null;
}

export function useLog({dag, run, task, map}: InstanceKey, attempt: number, active: boolean): LogOfAttempt {
  const buffer = useRef(new LogBuffer());
  const [version, setVersion] = useState(0);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<Error | null>(null);
  const isActive = useRef(active);
  isActive.current = active;
  const wake = useRef<() => void>(() => undefined);

  useEffect(() => {
    buffer.current = new LogBuffer();
    setVersion((n) => n + 1);
    setLoading(true);
    setError(null);
    if (attempt < 1) {
      setLoading(false);
      return;
    }
    const stopper = new AbortController();
    let frame = 0;
    const repaint = () => {
      frame = 0;
      setVersion((n) => n + 1);
    };
    void followLog(
      {
        read: async (token, signal) => {
          try {
            return await client.log({dag, run, task, map}, attempt, token, signal);
          } catch (problem) {
            // An attempt that has not written anything yet has no log; that is no error.
            if (problem instanceof ApiError && problem.status === 404) return {content: [], continuation_token: token};
            throw problem;
          }
        },
        active: () => isActive.current,
        onChunk: (content, reset) => {
          if (reset) buffer.current = new LogBuffer();
          buffer.current.append(content);
          setLoading(false);
          if (frame === 0) frame = requestAnimationFrame(repaint);
        },
        onError: (problem) => {
          setLoading(false);
          setError(problem);
        },
        onIdle: () => setLoading(false),
        wait: (milliseconds, signal) =>
          new Promise((resolve) => {
            const timer = setTimeout(resolve, milliseconds);
            const now = () => {
              clearTimeout(timer);
              resolve();
            };
            wake.current = now;
            signal.addEventListener('abort', now);
          }),
      },
      stopper.signal,
    );
    return () => {
      stopper.abort();
      cancelAnimationFrame(frame);
    };
  }, [dag, run, task, map, attempt]);
  // The end of an attempt is known from its state before the next look at its log: look at once.
  useEffect(() => wake.current(), [active]);

  return {buffer: buffer.current, version, loading, error};
}
