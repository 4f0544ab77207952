// Where one writes what to look for. With `slash` the key / leads there, and the box says so.
import {useRef, type KeyboardEvent} from 'react';
import {SearchIcon} from './icons';
import {useShortcuts} from '../shortcuts';

interface Props {
  // What it searches: "Search runs".
  label: string;
  placeholder?: string;
  value: string;
  onChange: (text: string) => void;
  slash?: boolean;
  small?: boolean;
}

export function SearchBox({label, placeholder = label, value, onChange, slash = false, small = false}: Props) {
  const box = useRef<HTMLInputElement>(null);
  useShortcuts(slash ? {'/': () => box.current?.focus()} : {});
  // Keys mean what they mean on the page again.
  const leave = (event: KeyboardEvent) => event.key === 'Escape' && box.current?.blur();
  return (
    <label className={small ? 'search search-small' : 'search'}>
      <SearchIcon />
      <input
        ref={box}
        type="search"
        placeholder={placeholder}
        aria-label={label}
        value={value}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={leave}
      />
      {slash && !small && <kbd>/</kbd>}
    </label>
  );
}
