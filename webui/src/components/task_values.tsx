// What an attempt was given and what it left: rendered fields and XComs. Values are text of users: text nodes, never markup.
import {Empty, ErrorNotice, Skeleton} from './notice';
import {Ago} from './times';
import {useXComs} from '../api/queries';
import type {InstanceKey} from '../api/types';

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
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Text value={value} />
          </dd>
        </div>
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
        <div key={entry.key} data-xcom={entry.key}>
          <dt>
            {entry.key}{' '}
            <span className="faint">
              <Ago value={entry.timestamp} />
            </span>
          </dt>
          <dd>
            <Text value={entry.value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
