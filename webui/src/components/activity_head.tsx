// The head of the pages about all DAGs and workers together: which of them, and what can be chosen there.
import type {ReactNode} from 'react';
import {Segments} from './segments';
import {Link, navigate, usePath} from '../router';
import {useShortcuts} from '../shortcuts';

const kPages = [
  {text: 'Activity', href: '/activity'},
  {text: 'Timeline', href: '/timeline'},
  {text: 'Workers', href: '/workers'},
] as const;

export function isActivityPath(path: string): boolean {
  return kPages.some(({href}) => path === href);
}

export function ActivityHead({children}: {children?: ReactNode}) {
  const here = usePath();
  const place = kPages.findIndex(({href}) => href === here);
  useShortcuts({v: () => navigate(kPages[(place + 1) % kPages.length]?.href ?? '/activity')});
  return (
    <header className="page-head">
      <nav className="segments" aria-label="All DAGs and workers">
        {kPages.map(({text, href}) => (
          <Link key={href} href={href} {...(href === here ? {'aria-current': 'page' as const} : {})}>
            {text}
          </Link>
        ))}
      </nav>
      {children}
    </header>
  );
}

// How many hours a page looks back.
export function HoursChoice({
  hours,
  choices,
  onChoose,
}: {
  hours: number;
  choices: readonly number[];
  onChoose: (hours: number) => void;
}) {
  return (
    <Segments
      label="How far back"
      choices={choices.map((one) => [one, one < 24 ? `${one} h` : `${one / 24} d`] as const)}
      value={hours}
      onChoose={onChoose}
    />
  );
}
