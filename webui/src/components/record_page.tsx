// A page of named records that people make, change and delete: pools, variables, connections. What differs is columns and fields.
import {useDeferredValue, useState, type ReactNode} from 'react';
import {useMutation} from '@tanstack/react-query';
import {AdminHead} from './admin_head';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {EditIcon} from './icons';
import {More} from './more';
import {Empty, ErrorNotice, Skeleton} from './notice';
import {SearchBox} from './search_box';
import {SelectAll, SelectionBar, SelectRow, useSelecting} from './selecting';
import {Shell} from './shell';
import {toast} from './toast';
import {client, queryClient, type Paged} from '../api/queries';
import {countText} from '../format/selection';
import {useLive} from '../live/use_live';
import {setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

export interface Column<T> {
  head: string;
  className?: string | ((row: T) => string);
  cell: (row: T) => ReactNode;
  // Left out where no row is such a one.
  onlyIf?: (row: T) => boolean;
}

// Whose it is, where something is a team's.
export function teamColumn<T extends {team_name?: string | null}>(): Column<T> {
  return {head: 'Team', cell: (row) => row.team_name ?? '', onlyIf: (row) => !!row.team_name};
}

interface Props<T> {
  noun: string;
  resource: 'pools' | 'variables' | 'connections';
  useRows: (search: string) => Paged<T>;
  nameOf: (row: T) => string;
  // It is always there: it can be changed and not deleted.
  isLasting?: (row: T) => boolean;
  columns: Column<T>[];
  // What to do where there is none yet.
  empty: ReactNode;
  // What deleting them means for who uses them.
  deleting: string;
  form: (row: T | null, onClose: () => void) => ReactNode;
}

export function RecordPage<T>(props: Props<T>) {
  const {noun, resource, useRows, nameOf, isLasting = () => false, empty, form} = props;
  useLive(null);
  const search = useSearchParam('search') ?? '';
  const query = useRows(useDeferredValue(search));
  const rows = query.data?.rows ?? [];
  const columns = props.columns.filter(({onlyIf}) => onlyIf === undefined || rows.some(onlyIf));
  // 'new' is one that is not there yet.
  const [editing, setEditing] = useState<T | 'new' | null>(null);
  const [removing, setRemoving] = useState(false);
  const selecting = useSelecting(rows.filter((row) => !isLasting(row)).map(nameOf));
  useShortcuts({n: () => setEditing('new')});
  const classOf = (column: Column<T>, row: T) =>
    typeof column.className === 'function' ? column.className(row) : column.className;
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead>
          <div className="page-actions">
            <SearchBox
              slash
              label={`Search ${noun}s`}
              value={search}
              onChange={(text) => setSearchParams({search: text})}
            />
            <button
              type="button"
              className="button button-primary"
              title={`New ${noun} (n)`}
              onClick={() => setEditing('new')}
            >
              New {noun}…
            </button>
          </div>
        </AdminHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {query.data && rows.length === 0 && (
          <Empty title={search === '' ? `No ${noun} yet` : `No ${noun} matches`}>
            {search === '' ? (
              empty
            ) : (
              <button type="button" className="button" onClick={() => setSearchParams({search: null})}>
                Show all
              </button>
            )}
          </Empty>
        )}
        {rows.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <SelectAll selecting={selecting} what={`${noun}s`} />
                  {columns.map((column) => (
                    <th
                      key={column.head}
                      {...(typeof column.className === 'string' ? {className: column.className} : {})}
                    >
                      {column.head}
                    </th>
                  ))}
                  <th>
                    <span className="hidden">Change</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr
                    key={nameOf(row)}
                    {...{[`data-${noun}`]: nameOf(row)}}
                    data-selected={selecting.chosen.has(nameOf(row)) || undefined}
                  >
                    <SelectRow selecting={selecting} id={nameOf(row)} name={nameOf(row)} fixed={isLasting(row)} />
                    {columns.map((column) => (
                      <td key={column.head} className={classOf(column, row)}>
                        {column.cell(row)}
                      </td>
                    ))}
                    <td className="right">
                      <button
                        type="button"
                        className="icon-button"
                        aria-label={`Change ${nameOf(row)}`}
                        title="Change…"
                        onClick={() => setEditing(row)}
                      >
                        <EditIcon />
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <More query={query} />
        <SelectionBar selecting={selecting} noun={noun}>
          <button type="button" className="button button-small button-danger" onClick={() => setRemoving(true)}>
            Delete…
          </button>
        </SelectionBar>
      </div>
      {removing && (
        <DeleteDialog
          noun={noun}
          resource={resource}
          names={[...selecting.chosen]}
          note={props.deleting}
          onClose={() => setRemoving(false)}
        />
      )}
      {editing !== null && form(editing === 'new' ? null : editing, () => setEditing(null))}
    </Shell>
  );
}

interface DeleteProps {
  noun: string;
  resource: 'pools' | 'variables' | 'connections';
  names: string[];
  note: string;
  onClose: () => void;
}

function DeleteDialog({noun, resource, names: given, note, onClose}: DeleteProps) {
  // As they were chosen: what the dialog says does not change while it is read.
  const [names] = useState(given);
  const remove = useMutation({
    mutationFn: async () => {
      const {done, errors} = await client.deleteMany(resource, names);
      if (errors.length > 0) throw new Error(errors.join('; '));
      return done;
    },
    onSuccess: (done) => {
      toast(`Deleted ${countText(done, noun)}`);
      onClose();
    },
    onSettled: () => queryClient.invalidateQueries({queryKey: [resource]}),
  });
  return (
    <Dialog title={`Delete ${countText(names.length, noun)}`} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          remove.mutate();
        }}
      >
        <p className="field-note">{note}</p>
        <ul className="clear-list">
          {names.map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
        {remove.isError && <ErrorNotice error={remove.error} />}
        <FormEnd text="Delete" disabled={remove.isPending} danger onClose={onClose} />
      </form>
    </Dialog>
  );
}
