import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {Coalescer} from './coalescer';

function everySecond() {
  const batches: number[][] = [];
  const coalescer = new Coalescer<number>(
    1000,
    (items) => batches.push(items),
    () => Date.now(),
  );
  return {batches, coalescer};
}

describe('Coalescer', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('hands over a burst of ten thousand in one batch a second, each key once with its newest value', () => {
    const {batches, coalescer} = everySecond();
    coalescer.add('first', 1);
    vi.advanceTimersByTime(0);
    expect(batches).toEqual([[1]]);
    for (let i = 0; i < 10000; i++) coalescer.add(`task ${i % 50}`, i);
    vi.advanceTimersByTime(999);
    expect(batches).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(batches).toHaveLength(2);
    expect(batches[1]).toHaveLength(50);
    expect(batches[1]).toContain(9999);
    vi.advanceTimersByTime(10000);
    expect(batches).toHaveLength(2);
  });

  it('hands over at once after a quiet second', () => {
    const {batches, coalescer} = everySecond();
    coalescer.add('a', 1);
    vi.advanceTimersByTime(5000);
    coalescer.add('a', 2);
    vi.advanceTimersByTime(0);
    expect(batches).toEqual([[1], [2]]);
  });

  it('hands over nothing after it was stopped', () => {
    const {batches, coalescer} = everySecond();
    coalescer.add('a', 1);
    coalescer.stop();
    vi.advanceTimersByTime(5000);
    expect(batches).toEqual([]);
  });
});
