// What an attempt was given and what it left: rendered fields, XComs and state stores. Values are text of users: text nodes, never markup.
import type {ReactNode} from 'react';
import {Empty, ErrorNotice, Skeleton} from './notice';
import {Ago, Time} from './times';
import {useTaskState, useXComs} from '../api/queries';
import type {InstanceKey, StateEntry} from '../api/types';

interface EntryProps {
  name: string;
  value: unknown;
  aside?: ReactNode; // since when, by whom
  [mark: `data-${string}`]: string;
}

function Entry({name, value, aside, ...marks}: EntryProps) {
  return (
    <div {...marks}>
      <dt>
        {name} {aside !== undefined && <span className="faint">{aside}</span>}
      </dt>
      <dd>
        <Text value={value} />
      </dd>
    </div>
  );
}

function Text({value}: {value: unknown}) {
  return <pre>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>;
}

export function RenderedFields({fields}: {fields: [string, unknown][]}) {
  if (fields.length === 0) {
    return <Empty title="Nothing was rendered yet">Fields and templates are rendered when an attempt starts.</Empty>;
  }
  return (
    <dl className="rendered">
      {fields.map(([name, value]) => (
        <Entry key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

export function XComs({instance}: {instance: InstanceKey}) {
  const xcoms = useXComs(instance, true);
  if (xcoms.isError) return <ErrorNotice error={xcoms.error} retry={() => void xcoms.refetch()} />;
  if (!xcoms.data) return <Skeleton rows={4} />;
  if (xcoms.data.length === 0) {
    return (
      <Empty title="It left no XComs">
        What a task returns, and what it pushes by name, is here once it has ended.
      </Empty>
    );
  }
  return (
    <dl className="rendered">
      {xcoms.data.map((entry) => (
        <Entry
          key={entry.key}
          name={entry.key}
          value={entry.value}
          aside={<Ago value={entry.timestamp} />}
          data-xcom={entry.key}
        />
      ))}
    </dl>
  );
}

export function TaskState({instance}: {instance: InstanceKey}) {
  const state = useTaskState(instance);
  if (state.isError) return <ErrorNotice error={state.error} retry={() => void state.refetch()} />;
  if (!state.data) return <Skeleton rows={4} />;
  if (state.data.length === 0) {
    return (
      <Empty title="Its state store is empty">
        What a task sets in its task_state_store is here at once, and its retries find it.
      </Empty>
    );
  }
  return <StateEntries entries={state.data} />;
}

export function StateEntries({entries}: {entries: StateEntry[]}) {
  return (
    <dl className="rendered">
      {entries.map((entry) => (
        <Entry
          key={entry.key}
          name={entry.key}
          value={entry.value}
          data-state={entry.key}
          aside={
            <>
              <Ago value={entry.updated_at} />
              {entry.last_updated_by && ` by ${entry.last_updated_by.task_id ?? 'hand'}`}
              {entry.expires_at && (
                <>
                  , until <Time value={entry.expires_at} />
                </>
              )}
            </>
          }
        />
      ))}
    </dl>
  );
}
