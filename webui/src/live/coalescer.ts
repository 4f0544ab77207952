// Collects keys and hands them over in batches: the first at once, later ones at most once an interval. A burst of ten
// thousand transitions becomes one refresh a second.

export class Coalescer<T> {
  private pending = new Map<string, T>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = -Infinity;

  constructor(
    private readonly interval: number,
    private readonly flush: (items: T[]) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  add(key: string, item: T): void {
    this.pending.set(key, item);
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.last + this.interval - this.now());
    this.timer = setTimeout(() => this.send(), wait);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pending.clear();
  }

  private send(): void {
    this.timer = undefined;
    this.last = this.now();
    const items = [...this.pending.values()];
    this.pending.clear();
    this.flush(items);
  }
}
