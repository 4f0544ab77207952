// DAG files that do not load: what is wrong, where, and what to write instead. The last good version keeps running.
import {useState} from 'react';
import {DownIcon, UpIcon, WarnIcon} from './icons';
import {useImportErrors} from '../api/queries';
import {problemsOf} from '../format/import_errors';

const kOpenByItself = 3;

// With a file: only that file's, for the page of a DAG that is in it.
export function ImportErrors({file}: {file?: string | undefined}) {
  const errors = useImportErrors();
  const [open, setOpen] = useState<boolean | null>(null);
  const files = (errors.data?.import_errors ?? []).filter(
    (error) => file === undefined || sameFile(error.filename, file),
  );
  if (files.length === 0) return null;
  const problems = files.flatMap(problemsOf);
  const shown = open ?? problems.length <= kOpenByItself;
  const title =
    problems.length === 1
      ? '1 problem in a DAG file'
      : `${problems.length} problems in ${files.length === 1 ? 'a DAG file' : `${files.length} DAG files`}`;
  return (
    <section className="import-errors" aria-label="Import errors">
      <button type="button" className="import-head" aria-expanded={shown} onClick={() => setOpen(!shown)}>
        <WarnIcon />
        <strong>{title}</strong>
        <span className="import-note">Their last good versions stay in use.</span>
        {shown ? <UpIcon /> : <DownIcon />}
      </button>
      {shown && (
        <ul>
          {problems.map((problem, i) => (
            <li key={i}>
              <code className="import-place">
                {problem.file}
                {problem.line !== null && `:${problem.line}`}
                {problem.column !== null && `:${problem.column}`}
              </code>
              <span className="import-message">{problem.message}</span>
              {problem.suggestion && <span className="import-suggestion">{problem.suggestion}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function sameFile(one: string, other: string): boolean {
  return one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);
}
