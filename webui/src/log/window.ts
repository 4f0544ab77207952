// Which rows of a long list are worth being in the document: those in view and a few around them.

export interface Window {
  first: number;
  // One after the last.
  end: number;
}

export function visibleWindow(
  count: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
  around: number,
): Window {
  if (count <= 0 || rowHeight <= 0) return {first: 0, end: 0};
  const top = Math.max(0, Math.min(scrollTop, count * rowHeight - viewHeight));
  const first = Math.max(0, Math.floor(top / rowHeight) - around);
  const end = Math.min(count, Math.ceil((top + Math.max(0, viewHeight)) / rowHeight) + around);
  return {first: Math.min(first, end), end};
}

// Whether somebody who reads at this place wants to see what is appended.
export function atEnd(scrollTop: number, viewHeight: number, wholeHeight: number, rowHeight: number): boolean {
  return scrollTop + viewHeight >= wholeHeight - 2 * rowHeight;
}
