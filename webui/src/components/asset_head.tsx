// The head of the pages about all assets: as a list or as a graph, and what can be chosen there.
import type {ReactNode} from 'react';
import {assetGraphHref, Link, navigate, usePath} from '../router';
import {useShortcuts} from '../shortcuts';

const kPages = [
  {text: 'Assets', href: '/assets'},
  {text: 'Graph', href: assetGraphHref()},
] as const;

export function AssetHead({children}: {children?: ReactNode}) {
  const here = usePath();
  useShortcuts({v: () => navigate(kPages.find(({href}) => href !== here)?.href ?? '/assets')});
  return (
    <header className="page-head">
      <nav className="segments" aria-label="Assets">
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
