// Which rows of a long table on a page that scrolls as a whole are in the document: those in view and some around them. Two
// empty rows of the right height stand for the rest, so that the scroll bar tells the truth.
import {useCallback, useEffect, useLayoutEffect, useRef, useState} from 'react';
import {visibleWindow} from '../log/window';

const kAround = 20;
// Below this, all of them: finding text in the page and jumping by Tab work as in any table.
const kFrom = 120;

export interface RowWindow {
  body: (element: HTMLTableSectionElement | null) => void;
  first: number;
  end: number;
  // The heights of what is left out.
  before: number;
  after: number;
}

// rowHeight: of every row, in pixels, until there is one to be measured.
export function useRowWindow(count: number, rowHeight: number): RowWindow {
  const element = useRef<HTMLTableSectionElement | null>(null);
  const [place, setPlace] = useState({top: 0, view: 900, height: rowHeight});
  const all = count < kFrom;
  const measure = useCallback(() => {
    const table = element.current;
    if (!table) return;
    const row = table.querySelector<HTMLElement>('tr[data-row]');
    const top = Math.max(0, -table.getBoundingClientRect().top);
    const height = row ? row.getBoundingClientRect().height || rowHeight : rowHeight;
    setPlace((old) =>
      // Only what moves the window by some rows is worth drawing.
      Math.abs(old.top - top) < height * (kAround / 2) && old.view === window.innerHeight && old.height === height
        ? old
        : {top, view: window.innerHeight, height},
    );
  }, [rowHeight]);
  useEffect(() => {
    if (all) return;
    window.addEventListener('scroll', measure, {passive: true});
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, [all, measure]);
  useLayoutEffect(measure, [measure, count]);
  const body = useCallback((table: HTMLTableSectionElement | null) => {
    element.current = table;
  }, []);
  if (all) return {body, first: 0, end: count, before: 0, after: 0};
  const {first, end} = visibleWindow(count, place.height, place.top, place.view, kAround);
  return {body, first, end, before: first * place.height, after: (count - end) * place.height};
}
