// The newest transition of everything that changed in the last seconds. An answer that was on its way while it changed is
// already old when it arrives: what happened meanwhile is shown on top of it.
import type {Transition} from '../api/types';

const kKeptFor = 10_000;

// What a transition is about: the next one about the same replaces it.
export function transitionKey({dag_id, dag_run_id, task_id, map_index}: Transition): string {
  return `${dag_id}\n${dag_run_id}\n${task_id ?? ''}\n${map_index ?? -1}`;
}

export class RecentTransitions {
  private readonly kept = new Map<string, {transition: Transition; at: number}>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  add(transition: Transition): void {
    const key = transitionKey(transition);
    // Deleted first, so that the map stays in the order of arrival.
    this.kept.delete(key);
    this.kept.set(key, {transition, at: this.now()});
    this.forget();
  }

  of(dag: string): Transition[] {
    this.forget();
    return [...this.kept.values()].map(({transition}) => transition).filter(({dag_id}) => dag_id === dag);
  }

  clear(): void {
    this.kept.clear();
  }

  private forget(): void {
    const oldest = this.now() - kKeptFor;
    for (const [key, {at}] of this.kept) {
      if (at > oldest) return;
      this.kept.delete(key);
    }
  }
}

export const recentTransitions = new RecentTransitions();
