// What forms, signs and lines mean in the graph of all assets.
import {KindIcon, kKindNames} from './dependency_card';
import type {DependencyKind, DependencyNode} from '../api/dependency_types';

const kLines: readonly (readonly [DependencyKind, string])[] = [
  ['produces', 'makes it, is started by it, or triggers'],
  ['reads', 'reads it, without being started'],
  ['waits_for', 'is waited for by a sensor'],
  ['attaches', 'stands for it (alias), or watches it'],
];
const kSigns = [
  ['s-success', 'last run succeeded'],
  ['s-failed', 'failed'],
  ['s-running', 'running or queued'],
  ['s-none', 'no run yet'],
] as const;

export function DependencyLegend() {
  return (
    <details className="graph-legend card">
      <summary>Legend</summary>
      <dl>
        {(Object.keys(kKindNames) as DependencyNode['kind'][]).map((kind) => (
          <div key={kind}>
            <dt>
              <span className={`legend-node node-${kind}`}>
                <KindIcon kind={kind} />
              </span>
            </dt>
            <dd>{kKindNames[kind]}</dd>
          </div>
        ))}
        {kSigns.map(([state, text]) => (
          <div key={state}>
            <dt>
              <span className={`node-sign ${state}`} />
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        {kLines.map(([kind, text]) => (
          <div key={kind}>
            <dt>
              <svg className={`legend-line line-${kind}`} viewBox="0 0 34 8" width="34" height="8" aria-hidden="true">
                <path className="react-flow__edge-path" d="M0 4h27" />
                <path className="legend-tip" d="M26 0.5 33 4l-7 3.5z" />
              </svg>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p className="faint">A click opens the page of a DAG or an asset, Space looks at it here.</p>
    </details>
  );
}
