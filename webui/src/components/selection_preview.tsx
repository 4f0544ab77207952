// What a change would touch, as the server's own dry run tells it: the button beneath does exactly that.
import {ErrorNotice, Skeleton} from './notice';
import {stateLabel} from './state';
import {StateBar} from './state_bar';
import type {TaskInstance} from '../api/types';
import {describeCounts} from '../format/summary';
import {countText, selectedLines} from '../format/selection';

const kShown = 200;

interface Props {
  instances: readonly TaskInstance[] | undefined;
  error: Error | null;
  // What an empty selection means here.
  nothing: string;
}

export function SelectionPreview({instances, error, nothing}: Props) {
  if (error) return <ErrorNotice error={error} />;
  if (!instances) return <Skeleton rows={2} />;
  const lines = selectedLines(instances);
  const runs = new Set(lines.map((line) => line.run)).size;
  return (
    <div className="selection">
      <p className="selection-sum">
        {instances.length === 0
          ? nothing
          : `${countText(instances.length, 'task instance')}${runs > 1 ? ` in ${runs} runs` : ''}`}
      </p>
      {lines.length > 0 && (
        <ul className="clear-list">
          {lines.slice(0, kShown).map((line) => (
            <li key={`${line.run}\n${line.task}`} title={describeCounts(line.states, stateLabel)}>
              <StateBar counts={line.states} />
              <span className="selection-task">
                {line.task}
                {line.indices !== '' && <span className="faint"> {line.indices}</span>}
              </span>
              {runs > 1 && <span className="faint selection-run">{line.run}</span>}
            </li>
          ))}
          {lines.length > kShown && <li className="faint">and {lines.length - kShown} more</li>}
        </ul>
      )}
    </div>
  );
}
