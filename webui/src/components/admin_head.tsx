// The head of the pages for who operates the installation: which of them, and what can be made there.
import type {ReactNode} from 'react';
import {useCan} from '../api/queries';
import {Link, usePath} from '../router';

const kPages = [
  {text: 'Pools', href: '/pools', right: 'operate'},
  {text: 'Variables', href: '/variables', right: 'operate'},
  {text: 'Connections', href: '/connections', right: 'operate'},
  {text: 'Users', href: '/users', right: 'administer'},
  {text: 'Audit', href: '/audit', right: 'administer'},
] as const;

export function isAdminPath(path: string): boolean {
  return kPages.some(({href}) => path === href);
}

export function AdminHead({children}: {children?: ReactNode}) {
  const here = usePath();
  const can = {operate: useCan('operate'), administer: useCan('administer')};
  return (
    <header className="page-head">
      <nav className="segments" aria-label="Administration">
        {kPages
          .filter(({right, href}) => can[right] || href === here)
          .map(({text, href}) => (
            <Link key={href} href={href} {...(href === here ? {'aria-current': 'page' as const} : {})}>
              {text}
            </Link>
          ))}
      </nav>
      {children}
    </header>
  );
}
