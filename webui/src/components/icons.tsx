// The few icons, drawn on a 16 x 16 grid in the text's colour.
import type {ReactNode} from 'react';

function Icon({children, filled = false}: {children: ReactNode; filled?: boolean}) {
  return (
    <svg className={filled ? 'icon icon-filled' : 'icon'} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {children}
    </svg>
  );
}

export const PlayIcon = () => (
  <Icon filled>
    <path d="M4.5 2.8v10.4a.6.6 0 0 0 .9.5l8.5-5.2a.6.6 0 0 0 0-1L5.4 2.3a.6.6 0 0 0-.9.5z" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon filled>
    <rect x="3.8" y="3" width="3" height="10" rx="1" />
    <rect x="9.2" y="3" width="3" height="10" rx="1" />
  </Icon>
);
export const DotsIcon = () => (
  <Icon filled>
    <circle cx="3.5" cy="8" r="1.3" />
    <circle cx="8" cy="8" r="1.3" />
    <circle cx="12.5" cy="8" r="1.3" />
  </Icon>
);
export const EditIcon = () => (
  <Icon>
    <path d="M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2z" />
  </Icon>
);
export const StopIcon = () => (
  <Icon filled>
    <rect x="3.5" y="3.5" width="9" height="9" rx="1.5" />
  </Icon>
);
export const RetryIcon = () => (
  <Icon>
    <path d="M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.2" />
    <path d="m10.3 10.3 3.2 3.2" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.3 9.7A5.6 5.6 0 0 1 6.3 2.7a5.6 5.6 0 1 0 7 7z" />
  </Icon>
);
export const AutoIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" className="icon-solid" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="m4 6 4 4 4-4" />
  </Icon>
);
export const FoldIcon = () => (
  <Icon>
    <path d="m5 6 3-3 3 3M5 10l3 3 3-3" />
  </Icon>
);
export const ChevronIcon = () => (
  <Icon>
    <path d="m6 4 4 4-4 4" />
  </Icon>
);
export const UpIcon = () => (
  <Icon>
    <path d="m4 10 4-4 4 4" />
  </Icon>
);
export const EndIcon = () => (
  <Icon>
    <path d="M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3.5 13.5h9" />
  </Icon>
);
export const SaveIcon = () => (
  <Icon>
    <path d="M8 2v7.5M5 6.8 8 9.8l3-3M2.5 11v2.5h11V11" />
  </Icon>
);
export const WarnIcon = () => (
  <Icon>
    <path d="M8 2.2 14.3 13.3H1.7zM8 6.5v3.2M8 11.4v.2" />
  </Icon>
);
export const StarIcon = ({filled}: {filled: boolean}) => (
  <Icon filled={filled}>
    <path d="m8 1.9 1.9 3.9 4.3.6-3.1 3 .7 4.2L8 11.6l-3.8 2 .7-4.2-3.1-3 4.3-.6z" />
  </Icon>
);
export const WaitIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.7" />
    <path d="M8 4.8V8l2.2 1.6" />
  </Icon>
);

// The mark: water running past a mill.
export const PersonIcon = () => (
  <Icon>
    <circle cx="8" cy="5.4" r="2.6" />
    <path d="M3 13.4c.6-2.6 2.4-3.9 5-3.9s4.4 1.3 5 3.9" />
  </Icon>
);
// What stands in the graph of all assets: a DAG, a dataset, an alias, a watch; and what puts one of them in the middle.
export const DagIcon = () => (
  <Icon>
    <path d="M5.5 4h2.5v8h2.5M8 8h2.5" />
    <circle cx="4" cy="4" r="1.6" />
    <circle cx="12.1" cy="8" r="1.6" />
    <circle cx="12.1" cy="12" r="1.6" />
  </Icon>
);
export const DatasetIcon = () => (
  <Icon>
    <ellipse cx="8" cy="4" rx="4.8" ry="2" />
    <path d="M3.2 4v8c0 1.1 2.1 2 4.8 2s4.8-.9 4.8-2V4M3.2 8c0 1.1 2.1 2 4.8 2s4.8-.9 4.8-2" />
  </Icon>
);
export const AliasIcon = () => (
  <Icon>
    <path d="M3 6.2c1.6-2 3.4-2 5 0s3.4 2 5 0M3 10.2c1.6-2 3.4-2 5 0s3.4 2 5 0" />
  </Icon>
);
export const WatchIcon = () => (
  <Icon>
    <path d="M1.8 8c1.7-2.7 3.8-4 6.2-4s4.5 1.3 6.2 4c-1.7 2.7-3.8 4-6.2 4s-4.5-1.3-6.2-4z" />
    <circle cx="8" cy="8" r="1.8" />
  </Icon>
);
export const CentreIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3.6" />
    <path d="M8 1.8v2.6M8 11.6v2.6M1.8 8h2.6M11.6 8h2.6" />
  </Icon>
);

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="mark-ground" />
      <g className="mark-water">
        <path d="M6 11c3.4-3 6.6-3 10 0s6.6 3 10 0" />
        <path d="M6 17c3.4-3 6.6-3 10 0s6.6 3 10 0" opacity=".75" />
        <path d="M6 23c3.4-3 6.6-3 10 0s6.6 3 10 0" opacity=".5" />
      </g>
    </svg>
  );
}
