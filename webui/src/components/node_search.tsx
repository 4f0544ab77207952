// Finds a node of the graph of all assets by a part of its name: Enter takes the first, the arrow keys go through the others.
import {useState, type KeyboardEvent} from 'react';
import {kKindNames, KindIcon} from './dependency_card';
import {SearchBox} from './search_box';
import type {DependencyNode} from '../api/dependency_types';

const kShown = 8;

// Names that begin with the text stand before those that have it within.
function matching(nodes: readonly DependencyNode[], text: string): DependencyNode[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const place = (node: DependencyNode) => node.label.toLowerCase().indexOf(wanted);
  return nodes
    .filter((node) => place(node) >= 0)
    .sort((a, b) => place(a) - place(b) || a.label.length - b.label.length || a.id.localeCompare(b.id));
}

export function NodeSearch({nodes, onFind}: {nodes: readonly DependencyNode[]; onFind: (id: string) => void}) {
  const [text, setText] = useState('');
  const found = matching(nodes, text);
  const take = (node: DependencyNode | undefined) => {
    if (!node) return;
    setText('');
    onFind(node.id);
  };
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    const own = event.currentTarget;
    const places = [...own.querySelectorAll<HTMLElement>('input, .node-found button')];
    const at = places.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Enter' && at === 0) take(found[0]);
    else if (event.key === 'ArrowDown') places[Math.min(at + 1, places.length - 1)]?.focus();
    else if (event.key === 'ArrowUp') places[Math.max(at - 1, 0)]?.focus();
    else if (event.key === 'Escape') setText('');
    else return;
    event.preventDefault();
  };
  return (
    <div className="node-search" role="search" onKeyDown={press}>
      <SearchBox slash label="Find a DAG or an asset" value={text} onChange={setText} />
      {text.trim() !== '' && (
        <ul className="node-found card">
          {found.slice(0, kShown).map((node) => (
            <li key={node.id}>
              <button type="button" data-found={node.id} onClick={() => take(node)}>
                <KindIcon kind={node.kind} />
                <span>{node.label}</span>
                <span className="faint">{kKindNames[node.kind]}</span>
              </button>
            </li>
          ))}
          {found.length === 0 && <li className="faint">Nothing is called so</li>}
          {found.length > kShown && <li className="faint">and {found.length - kShown} more</li>}
        </ul>
      )}
    </div>
  );
}
