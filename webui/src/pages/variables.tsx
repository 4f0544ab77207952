// Variables: named values that templates read. One whose name says that it is a secret can be set and is never shown.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {client, queryClient, useVariables} from '../api/queries';
import type {Variable} from '../api/types';
import {AdminHead} from '../components/admin_head';
import {Dialog} from '../components/dialog';
import {EditIcon} from '../components/icons';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {toast} from '../components/toast';
import {useLive} from '../live/use_live';
import {useShortcuts} from '../shortcuts';

export function VariablesPage() {
  useLive(null);
  const query = useVariables();
  // '' is one that is not there yet.
  const [editing, setEditing] = useState<Variable | '' | null>(null);
  useShortcuts({n: () => setEditing('')});
  const variables = query.data?.variables ?? [];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead>
          <button
            type="button"
            className="button button-primary"
            title="New variable (n)"
            onClick={() => setEditing('')}
          >
            New variable…
          </button>
        </AdminHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {query.data && variables.length === 0 && (
          <Empty title="No variable yet">
            Templates read them as <code>{'{{ var.value.NAME }}'}</code>.
          </Empty>
        )}
        {variables.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>Variable</th>
                  <th className="wide">Value</th>
                  <th>Description</th>
                  <th>
                    <span className="hidden">Change</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {variables.map((variable) => (
                  <tr key={variable.key} data-variable={variable.key}>
                    <td className="strong">{variable.key}</td>
                    <td className="wide">
                      <code className="conf" title={variable.value ?? ''}>
                        {variable.value ?? ''}
                      </code>
                    </td>
                    <td className="faint">{variable.description ?? ''}</td>
                    <td className="right">
                      <button
                        type="button"
                        className="icon-button"
                        aria-label={`Change ${variable.key}`}
                        title="Change…"
                        onClick={() => setEditing(variable)}
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
        {query.data && query.data.total_entries > variables.length && (
          <p className="faint">
            The first {variables.length} of {query.data.total_entries}.
          </p>
        )}
      </div>
      {editing !== null && (
        <VariableDialog variable={editing === '' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Shell>
  );
}

function VariableDialog({variable, onClose}: {variable: Variable | null; onClose: () => void}) {
  const [key, setKey] = useState(variable?.key ?? '');
  const [value, setValue] = useState(variable?.value ?? '');
  const [description, setDescription] = useState(variable?.description ?? '');
  const done = (text: string) => {
    toast(text);
    void queryClient.invalidateQueries({queryKey: ['variables']});
    onClose();
  };
  const save = useMutation({
    mutationFn: () => client.saveVariable({key: key.trim(), value, description}, variable === null),
    onSuccess: () => done(`${key.trim()} is saved`),
  });
  const remove = useMutation({
    mutationFn: () => client.deleteVariable(key),
    onSuccess: () => done(`${key} is deleted`),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() !== '') save.mutate();
  };
  const error = save.error ?? remove.error;
  return (
    <Dialog
      title={
        variable ? (
          <>
            Change <span className="dialog-subject">{variable.key}</span>
          </>
        ) : (
          'New variable'
        )
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit}>
        {!variable && (
          <label className="field">
            <span className="field-name">Key</span>
            <input
              name="key"
              autoFocus
              spellCheck={false}
              autoComplete="off"
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
            <span className="field-note">
              One with “password”, “secret”, “token” or the like in its name is never shown again.
            </span>
          </label>
        )}
        <label className="field">
          <span className="field-name">Value</span>
          <textarea
            name="value"
            rows={5}
            className="mono"
            spellCheck={false}
            autoFocus={variable !== null}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
          {variable?.value === '***' && <span className="field-note">*** keeps the value that it has.</span>}
        </label>
        <label className="field">
          <span className="field-name">Description</span>
          <input
            name="description"
            autoComplete="off"
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </label>
        {error && <ErrorNotice error={error} />}
        <div className="form-end">
          {variable && (
            <button
              type="button"
              className="button button-danger form-left"
              disabled={remove.isPending}
              onClick={() => remove.mutate()}
            >
              Delete
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={key.trim() === '' || save.isPending}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
