// The file of a DAG, as each of its versions had it, and what changed between two.
import {useMemo} from 'react';
import {Empty, ErrorNotice, Skeleton} from './notice';
import {Ago, Time} from './times';
import {useSource, useVersions} from '../api/queries';
import type {DagVersion} from '../api/types';
import {diffTexts, type DiffRow} from '../format/diff';
import {setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

export function DagCode({dag}: {dag: string}) {
  const query = useVersions(dag);
  const versions = query.data ?? [];
  const newest = versions[0]?.version_number ?? null;
  const shown = numberOf(useSearchParam('version')) ?? newest;
  const against = numberOf(useSearchParam('against'));
  const place = versions.findIndex((one) => one.version_number === shown);
  const before = versions[place + 1]?.version_number ?? null;

  const show = (version: number | null) =>
    version !== null && setSearchParams({version: version === newest ? null : String(version), against: null});
  const compare = (version: number | null) => setSearchParams({against: version === null ? null : String(version)});
  useShortcuts({
    '[': () => show(before),
    ']': () => show(versions[place - 1]?.version_number ?? null),
    x: () => compare(against === null ? before : null),
  });

  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Skeleton rows={6} />;
  return (
    <div className="code-panes">
      <nav className="card pane versions" aria-label="Versions">
        <div className="pane-head">
          <h2>Versions</h2>
          <span className="faint">{versions.length}</span>
        </div>
        <ul>
          {versions.map((version) => (
            <VersionItem
              key={version.version_number}
              version={version}
              selected={version.version_number === shown}
              onShow={() => show(version.version_number)}
            />
          ))}
        </ul>
      </nav>
      <section className="card pane code-pane" aria-label="File">
        {shown !== null && (
          <div className="pane-head">
            <h2>
              Version {shown}
              {against !== null && <span className="faint"> against {against}</span>}
            </h2>
            <label className="inline-field">
              <span className="faint">Compare with</span>
              <select
                aria-label="Compare with"
                value={against ?? ''}
                onChange={(event) => compare(numberOf(event.target.value))}
              >
                <option value="">nothing</option>
                {versions
                  .filter((one) => one.version_number !== shown)
                  .map((one) => (
                    <option key={one.version_number} value={one.version_number}>
                      version {one.version_number}
                      {one.version_number === before ? ' (the one before)' : ''}
                    </option>
                  ))}
              </select>
            </label>
          </div>
        )}
        {shown === null ? (
          <Empty title="No version yet" />
        ) : against === null ? (
          <Source dag={dag} version={shown} />
        ) : (
          <Difference dag={dag} from={Math.min(against, shown)} to={Math.max(against, shown)} />
        )}
      </section>
    </div>
  );
}

function VersionItem({version, selected, onShow}: {version: DagVersion; selected: boolean; onShow: () => void}) {
  return (
    <li>
      <button type="button" aria-pressed={selected} data-version={version.version_number} onClick={onShow}>
        <strong>Version {version.version_number}</strong>
        <span className="faint">
          <Time value={version.created_at} detail="minutes" /> · <Ago value={version.created_at} />
        </span>
        {version.bundle_version && <code className="faint">{version.bundle_version.slice(0, 12)}</code>}
      </button>
    </li>
  );
}

function Source({dag, version}: {dag: string; version: number}) {
  const source = useSource(dag, version);
  const lines = useMemo(() => (source.data ?? '').replace(/\n$/, '').split('\n'), [source.data]);
  if (source.isError) return <ErrorNotice error={source.error} />;
  if (source.isPending) return <Skeleton rows={10} />;
  return (
    <div className="code" tabIndex={0} role="region" aria-label={`Version ${version}`}>
      {lines.map((line, i) => (
        <div key={i} className="code-line">
          <span className="code-number">{i + 1}</span>
          <span className="code-text">{line}</span>
        </div>
      ))}
    </div>
  );
}

const kSigns: Record<DiffRow['kind'], string> = {same: ' ', added: '+', removed: '−', gap: ''};

function Difference({dag, from, to}: {dag: string; from: number; to: number}) {
  const before = useSource(dag, from);
  const after = useSource(dag, to);
  const diff = useMemo(
    () => (before.data !== undefined && after.data !== undefined ? diffTexts(before.data, after.data) : null),
    [before.data, after.data],
  );
  const error = before.error ?? after.error;
  if (error) return <ErrorNotice error={error} />;
  if (!diff) return <Skeleton rows={10} />;
  if (diff.added === 0 && diff.removed === 0) {
    return (
      <Empty title="The file is the same in both">
        A version is also new when a file that it names (a contract, a script) has changed.
      </Empty>
    );
  }
  return (
    <>
      <p className="diff-sum">
        <span className="diff-added">+{diff.added}</span> <span className="diff-removed">−{diff.removed}</span>{' '}
        <span className="faint">
          from version {from} to {to}
        </span>
      </p>
      <div className="code" tabIndex={0} role="region" aria-label={`Changes from version ${from} to ${to}`}>
        {diff.rows.map((row, i) =>
          row.kind === 'gap' ? (
            <div key={i} className="code-gap">
              {row.skipped} {row.skipped === 1 ? 'line' : 'lines'}
            </div>
          ) : (
            <div key={i} className="code-line" data-kind={row.kind}>
              <span className="code-number">{row.before ?? ''}</span>
              <span className="code-number">{row.after ?? ''}</span>
              <span className="code-sign">{kSigns[row.kind]}</span>
              <span className="code-text">{row.text}</span>
            </div>
          ),
        )}
      </div>
    </>
  );
}
