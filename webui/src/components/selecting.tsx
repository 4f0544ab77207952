// Rows of a list that are chosen for one change of all of them: check boxes, with Shift a range, `a` all that are listed.
import {useRef, useState, type MouseEvent, type ReactNode} from 'react';
import {CloseIcon} from './icons';
import {countText} from '../format/selection';
import {useShortcuts} from '../shortcuts';

export interface Selecting {
  chosen: ReadonlySet<string>;
  // How many could be.
  count: number;
  toggle: (id: string, range: boolean) => void;
  toggleAll: () => void;
  clear: () => void;
}

const kNobody: ReadonlySet<string> = new Set();

// ids: those that may be chosen, as they are listed. One that is listed no more is chosen no more.
export function useSelecting(ids: readonly string[]): Selecting {
  const [marked, setMarked] = useState(kNobody);
  const last = useRef<string | null>(null);
  const chosen = marked.size === 0 ? marked : new Set(ids.filter((id) => marked.has(id)));
  const toggle = (id: string, range: boolean) => {
    const next = new Set(chosen);
    const [from, to] = [ids.indexOf(last.current ?? id), ids.indexOf(id)];
    const hit = range && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
    for (const one of hit)
      if (chosen.has(id)) next.delete(one);
      else next.add(one);
    last.current = id;
    setMarked(next);
  };
  const clear = () => setMarked(kNobody);
  const toggleAll = () => setMarked(chosen.size === ids.length ? kNobody : new Set(ids));
  useShortcuts({...(ids.length > 0 ? {a: toggleAll} : {}), ...(chosen.size > 0 ? {Escape: clear} : {})});
  return {chosen, count: ids.length, toggle, toggleAll, clear};
}

export function SelectAll({selecting, what}: {selecting: Selecting; what: string}) {
  const {chosen, count, toggleAll} = selecting;
  return (
    <th className="select-cell">
      <input
        type="checkbox"
        aria-label={`Select all ${what}`}
        title="All that are listed (a)"
        disabled={count === 0}
        checked={count > 0 && chosen.size === count}
        ref={(box) => {
          if (box) box.indeterminate = chosen.size > 0 && chosen.size < count;
        }}
        onChange={toggleAll}
      />
    </th>
  );
}

export function SelectRow({
  selecting,
  id,
  name,
  fixed = false,
}: {
  selecting: Selecting;
  id: string;
  name: string;
  // It cannot be chosen.
  fixed?: boolean;
}) {
  return (
    <td className="select-cell">
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        title="With Shift: all from the last one to here"
        disabled={fixed}
        checked={selecting.chosen.has(id)}
        onClick={(event: MouseEvent) => selecting.toggle(id, event.shiftKey)}
        onChange={() => undefined}
      />
    </td>
  );
}

// What can be done with those that are chosen. Stays in view while one scrolls.
export function SelectionBar({selecting, noun, children}: {selecting: Selecting; noun: string; children: ReactNode}) {
  if (selecting.chosen.size === 0) return null;
  return (
    <div className="selection-bar" role="toolbar" aria-label={`What to do with selected ${noun}s`}>
      <span className="strong">{countText(selecting.chosen.size, noun)}</span>
      {children}
      <button
        type="button"
        className="icon-button"
        title="Select none (Escape)"
        aria-label="Select none"
        onClick={selecting.clear}
      >
        <CloseIcon />
      </button>
    </div>
  );
}
