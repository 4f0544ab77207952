// What every page has around it: the bar with the brand, where one is, whether events are live, zone, theme and login.
import {useState, type ReactNode} from 'react';
import {isActivityPath} from './activity_head';
import {isAdminPath} from './admin_head';
import {Dialog} from './dialog';
import {useCurrentInView} from './current_in_view';
import {AutoIcon, Mark, MoonIcon, PersonIcon, SunIcon, WaitIcon, WarnIcon} from './icons';
import {PasswordDialog} from './password_dialog';
import {Toasts} from './toast';
import {useApprovals, useCan, useImportErrors, useWorkers} from '../api/queries';
import {currentUser, signOut} from '../api/session';
import {setZone, useZone} from '../format/time';
import {useLiveStatus} from '../live/status';
import {Link, navigate, usePath} from '../router';
import {useShortcuts} from '../shortcuts';
import {nextTheme, useTheme} from '../theme';

export interface Crumb {
  text: string;
  href?: string;
}

const kLive = {
  live: {text: 'Live', title: 'Changes appear as they happen'},
  connecting: {text: 'Connecting', title: 'Opening the live stream'},
  polling: {
    text: 'Polling',
    title: 'The live stream is down: the page asks every few seconds and keeps trying to reconnect',
  },
};

function LiveSign() {
  const status = useLiveStatus();
  const {text, title} = kLive[status];
  return (
    <span className={`live live-${status}`} title={title} role="status">
      <span className="live-dot" />
      {text}
    </span>
  );
}

function WorkersSign() {
  const workers = useWorkers();
  if (!workers.data) return null;
  const online = workers.data.workers.filter((worker) => worker.state !== 'lost');
  const count = online.length;
  const slots = online.reduce((sum, worker) => sum + worker.slots, 0);
  const used = online.reduce((sum, worker) => sum + worker.slots_used, 0);
  const text = count === 1 ? '1 worker' : `${count} workers`;
  return (
    <Link
      href="/workers"
      className={count === 0 ? 'bar-fact bar-fact-bad' : 'bar-fact'}
      title={
        count === 0
          ? 'No worker is connected: nothing can run'
          : online
              .map((worker) => `${worker.name} (${worker.state}): ${worker.slots_used} of ${worker.slots} slots`)
              .join('\n')
      }
    >
      {text}
      {slots > 0 && <span className="faint"> · {used > 0 ? `${used} of ${slots}` : slots} slots</span>}
    </Link>
  );
}

// A broken DAG file concerns everybody who looks, on whichever page.
function ImportErrorsSign() {
  const errors = useImportErrors();
  const count = errors.data?.total_entries ?? 0;
  if (count === 0) return null;
  return (
    <Link
      href="/"
      className="bar-fact bar-fact-bad bar-errors"
      title="DAG files that do not load; the DAG list says why"
    >
      <WarnIcon />
      {count === 1 ? '1 import error' : `${count} import errors`}
    </Link>
  );
}

// Somebody may be waited for.
function ApprovalsSign() {
  const count = useApprovals(true).data?.total_entries ?? 0;
  if (count === 0) return null;
  return (
    <Link href="/approvals" className="bar-fact bar-waits" title="Tasks that wait for somebody's answer">
      <WaitIcon />
      {count === 1 ? '1 approval' : `${count} approvals`}
    </Link>
  );
}

const kSections = [
  {text: 'DAGs', href: '/'},
  {text: 'Runs', href: '/runs'},
  {text: 'Backfills', href: '/backfills'},
  {text: 'Assets', href: '/assets'},
  {text: 'Approvals', href: '/approvals'},
  {text: 'Activity', href: '/activity'},
  {text: 'Admin', href: '/pools'},
] as const;

function sectionOf(path: string): string {
  if (isAdminPath(path)) return '/pools';
  if (isActivityPath(path)) return '/activity';
  return kSections.find(({href}) => href !== '/' && path.startsWith(href))?.href ?? '/';
}

function Sections() {
  const here = sectionOf(usePath());
  const operates = useCan('operate');
  const nav = useCurrentInView(here);
  return (
    <nav ref={nav} className="sections" aria-label="Pages">
      {kSections
        .filter(({href}) => href !== '/pools' || operates)
        .map(({text, href}) => (
          <Link key={href} href={href} {...(href === here ? {'aria-current': 'true' as const} : {})}>
            {text}
          </Link>
        ))}
    </nav>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const names = {system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark'};
  return (
    <button type="button" className="icon-button" title={names[theme]} aria-label={names[theme]} onClick={nextTheme}>
      {theme === 'system' ? <AutoIcon /> : theme === 'light' ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

function ZoneButton() {
  const zone = useZone();
  const next = zone === 'UTC' ? 'local' : 'UTC';
  return (
    <button
      type="button"
      className="text-button"
      title={`Times are ${zone}; show ${next}`}
      onClick={() => setZone(next)}
    >
      {zone === 'UTC' ? 'UTC' : 'Local'}
    </button>
  );
}

const kShortcuts: [string, string][] = [
  ['/', 'Search (DAG list) or find (log)'],
  ['j  k', 'Next, previous DAG'],
  ['← → ↑ ↓', 'Move in the grid; Enter opens the task instance'],
  ['Space', 'Open or close a group or a mapped task in the grid or graph'],
  ['e', 'Open or close all groups'],
  ['t', 'Trigger a run'],
  ['b', 'Backfill the DAG'],
  [
    'v',
    'Runs, calendar, durations, checks, backfills, code and versions of the DAG; activity, timeline, workers; assets as list or graph',
  ],
  ['n', 'New: backfill, update of an asset, pool, variable, connection, user'],
  ['p', 'Pause or unpause the DAG'],
  ['g', 'Graph or gantt; year or month of the calendar; duration or landing; timeline by DAG, pool or worker'],
  ['c  m', 'Run again (clear), mark: the run, the group that has the focus, or the task instance'],
  ['[  ]', 'Previous, next attempt, version of the DAG, page of the calendar, or time of the timeline'],
  [',  .', 'Previous, next instance of a mapped task'],
  ['x', 'Next tab: log, rendered fields, XComs; or compare with the version before'],
  ['o', 'Only what is up- and downstream (graph of assets)'],
  ['l', 'All runs of the DAG as a list'],
  ['a', 'Select all that are listed; Escape selects none'],
  ['s', 'Make the DAG a favorite, or no longer'],
  ['f', 'Only favorites (DAG list); follow the log'],
  ['u', 'One level up'],
  ['1 … 7', 'DAGs, runs, backfills, assets, approvals, activity, administration'],
  ['d', 'Light, dark, system'],
  ['?', 'This list'],
];

function ShortcutHelp({onClose}: {onClose: () => void}) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className="keys">
        {kShortcuts.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(/\s+/).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export function Shell({crumbs, fill = false, children}: {crumbs: Crumb[]; fill?: boolean; children: ReactNode}) {
  const [help, setHelp] = useState(false);
  const [password, setPassword] = useState(false);
  useShortcuts({
    '?': () => setHelp(true),
    d: nextTheme,
    ...Object.fromEntries(kSections.map(({href}, i) => [String(i + 1), () => navigate(href)])),
  });
  return (
    <div className={fill ? 'shell shell-fill' : 'shell'}>
      <header className="bar">
        <Link href="/" className="brand">
          <Mark />
          <span>Millrace</span>
        </Link>
        <Sections />
        <nav className="crumbs" aria-label="Where you are">
          {crumbs.map((crumb, i) => (
            <span key={i} className="crumb">
              {crumb.href ? <Link href={crumb.href}>{crumb.text}</Link> : <span aria-current="page">{crumb.text}</span>}
            </span>
          ))}
        </nav>
        <div className="bar-end">
          <ApprovalsSign />
          <ImportErrorsSign />
          <WorkersSign />
          <LiveSign />
          <ZoneButton />
          <ThemeButton />
          <button
            type="button"
            className="icon-button"
            title="Keyboard shortcuts"
            aria-label="Keyboard shortcuts"
            onClick={() => setHelp(true)}
          >
            <span aria-hidden="true">?</span>
          </button>
          <button
            type="button"
            className="icon-button"
            title={`Signed in as ${currentUser()}: change the password`}
            aria-label="Change your password"
            onClick={() => setPassword(true)}
          >
            <PersonIcon />
          </button>
          <button type="button" className="text-button" title={`Signed in as ${currentUser()}`} onClick={signOut}>
            Sign out
          </button>
        </div>
      </header>
      <main className="main">{children}</main>
      {password && <PasswordDialog onClose={() => setPassword(false)} />}
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
      <Toasts />
    </div>
  );
}
