// How a state looks: always the same colour, with its word or a tooltip beside it, so that colour is never alone.
import type {RunState, TaskState} from '../api/types';

export type AnyState = RunState | TaskState | null | undefined;

const kLabels: Record<TaskState, string> = {
  none: 'not started',
  scheduled: 'scheduled',
  queued: 'queued',
  running: 'running',
  success: 'success',
  failed: 'failed',
  up_for_retry: 'up for retry',
  up_for_reschedule: 'up for reschedule',
  upstream_failed: 'upstream failed',
  skipped: 'skipped',
  deferred: 'deferred',
  restarting: 'restarting',
  removed: 'removed',
};

export function stateLabel(state: AnyState): string {
  return kLabels[state ?? 'none'] ?? String(state);
}

export function stateClass(state: AnyState): string {
  return `s-${state ?? 'none'}`;
}

export function isActive(state: AnyState): boolean {
  return state === 'running' || state === 'queued' || state === 'scheduled' || state === 'restarting';
}

export function isFinished(state: AnyState): boolean {
  return (
    state === 'success' ||
    state === 'failed' ||
    state === 'skipped' ||
    state === 'upstream_failed' ||
    state === 'removed'
  );
}

export function StateDot({state}: {state: AnyState}) {
  return <span className={`dot ${stateClass(state)}`} role="img" aria-label={stateLabel(state)} />;
}

export function StateBadge({state}: {state: AnyState}) {
  return (
    <span className={`badge ${stateClass(state)}`} data-state={state ?? 'none'}>
      <span className="badge-dot" aria-hidden="true" />
      {stateLabel(state)}
    </span>
  );
}
