// A page that shows a time goes to the one before ([), to the one after (]) and to the present (.).
import type {ReactNode} from 'react';
import {ChevronIcon} from './icons';
import {useShortcuts} from '../shortcuts';

interface Props {
  // -1 or 1.
  onStep: (by: number) => void;
  onPresent: () => void;
  // What the button that leads to the present says, and tells when it is pointed at.
  present: readonly [text: string, title: string];
  // It is the present that is shown, and there is nothing later.
  last?: boolean;
  // What is shown, between both buttons.
  children?: ReactNode;
}

export function TimeSteps({onStep, onPresent, present: [text, title], last, children}: Props) {
  useShortcuts({'[': () => onStep(-1), ']': () => onStep(1), '.': onPresent});
  return (
    <span className="time-steps">
      <button
        type="button"
        className="icon-button time-back"
        aria-label="Earlier"
        title="Earlier ([)"
        onClick={() => onStep(-1)}
      >
        <ChevronIcon />
      </button>
      {children}
      <button
        type="button"
        className="icon-button"
        aria-label="Later"
        title="Later (])"
        disabled={last}
        onClick={() => onStep(1)}
      >
        <ChevronIcon />
      </button>
      <button
        type="button"
        className="button button-small"
        title={`${title} (.)`}
        aria-pressed={last}
        onClick={onPresent}
      >
        {text}
      </button>
    </span>
  );
}
