// One of a few, all of them in view.
import type {ReactNode} from 'react';

// What a choice is, says and tells when it is pointed at; one that says itself is only that.
type Told<T> = readonly [value: T, text: ReactNode, title?: string];

interface Props<T> {
  label: string;
  choices: readonly (T | Told<T>)[];
  value: T;
  onChoose: (value: T) => void;
  className?: string;
}

function told<T>(choice: T | Told<T>): Told<T> {
  return Array.isArray(choice) ? (choice as Told<T>) : [choice as T, String(choice)];
}

export function Segments<T extends string | number | boolean>({label, choices, value, onChoose, className}: Props<T>) {
  return (
    <div className={`segments ${className ?? 'segments-small'}`} role="group" aria-label={label}>
      {choices.map((choice) => {
        const [one, text, title] = told(choice);
        return (
          <button
            key={String(one)}
            type="button"
            aria-pressed={one === value}
            {...(title === undefined ? {} : {title})}
            onClick={() => onChoose(one)}
          >
            {text}
          </button>
        );
      })}
    </div>
  );
}
