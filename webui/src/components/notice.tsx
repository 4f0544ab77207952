// What stands where content would: an error with its reason, an empty list with what to do, or the shape of what loads.
import type {ReactNode} from 'react';
import {WarnIcon} from './icons';

export function ErrorNotice({error, retry}: {error: Error; retry?: () => void}) {
  return (
    <div className="notice notice-error" role="alert">
      <WarnIcon />
      <span>{error.message}</span>
      {retry && (
        <button type="button" className="button button-small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({title, children}: {title: string; children?: ReactNode}) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <div className="empty-text">{children}</div>}
    </div>
  );
}

export function Skeleton({rows}: {rows: number}) {
  return (
    <div className="skeleton" aria-busy="true" aria-label="Loading">
      {Array.from({length: rows}, (_, i) => (
        <span key={i} className="skeleton-row" />
      ))}
    </div>
  );
}
