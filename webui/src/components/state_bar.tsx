// How many of many are in which state: a bar of shares, in the same order everywhere, with the numbers as its tooltip.
import type {CSSProperties} from 'react';
import {stateLabel} from './state';
import type {StateCounts, TaskState} from '../api/types';
import {describeCounts, sharesOf} from '../format/summary';

const kVariables: Partial<Record<TaskState, string>> = {
  up_for_retry: 'retry',
  up_for_reschedule: 'reschedule',
  upstream_failed: 'upstream-failed',
};

const colour = (state: TaskState) => `var(--${kVariables[state] ?? state})`;

export function sharesStyle(counts: StateCounts, direction: 'to right' | 'to top'): CSSProperties {
  const stops = sharesOf(counts).map(
    ({state, from, to}) => `${colour(state)} ${(from * 100).toFixed(1)}% ${(to * 100).toFixed(1)}%`,
  );
  return stops.length > 0 ? {background: `linear-gradient(${direction}, ${stops.join(', ')})`} : {};
}

export function StateBar({counts}: {counts: StateCounts}) {
  const text = describeCounts(counts, stateLabel);
  return (
    <span className="state-bar" role="img" aria-label={text} title={text} style={sharesStyle(counts, 'to right')} />
  );
}
