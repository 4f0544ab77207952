// Where a row of links is wider than the window, the one of the page that is open is in view.
import {useLayoutEffect, useRef} from 'react';

// current: changes when another link becomes the current one.
export function useCurrentInView(current: string) {
  const row = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const link = row.current?.querySelector<HTMLElement>('[aria-current]');
    if (!row.current || !link) return;
    const {left, right} = row.current.getBoundingClientRect();
    const at = link.getBoundingClientRect();
    if (at.left < left || at.right > right) row.current.scrollLeft += at.left - left - 24;
  }, [current]);
  return row;
}
