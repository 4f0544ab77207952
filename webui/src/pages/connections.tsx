// Connections: where tasks read and write, and as whom. Passwords can be set and are never shown.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {client, queryClient, useConnections} from '../api/queries';
import type {Connection} from '../api/types';
import {AdminHead} from '../components/admin_head';
import {Dialog} from '../components/dialog';
import {EditIcon} from '../components/icons';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {toast} from '../components/toast';
import {parseConf} from '../format/params';
import {useLive} from '../live/use_live';
import {useShortcuts} from '../shortcuts';

export function ConnectionsPage() {
  useLive(null);
  const query = useConnections();
  const [editing, setEditing] = useState<Connection | '' | null>(null);
  useShortcuts({n: () => setEditing('')});
  const connections = query.data?.connections ?? [];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead>
          <button
            type="button"
            className="button button-primary"
            title="New connection (n)"
            onClick={() => setEditing('')}
          >
            New connection…
          </button>
        </AdminHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {query.data && connections.length === 0 && (
          <Empty title="No connection yet">
            Tasks name them: <code>{'with: {connection: warehouse, …}'}</code>. The scheduler also reads{' '}
            <code>MILLRACE_CONN_WAREHOUSE</code> from its environment.
          </Empty>
        )}
        {connections.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>Connection</th>
                  <th>Type</th>
                  <th>Host</th>
                  <th>Schema</th>
                  <th>Login</th>
                  <th className="wide">Description</th>
                  <th>
                    <span className="hidden">Change</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {connections.map((one) => (
                  <tr key={one.connection_id} data-connection={one.connection_id}>
                    <td className="strong">{one.connection_id}</td>
                    <td>
                      <span className="tag">{one.conn_type}</span>
                    </td>
                    <td>{[one.host, one.port].filter((part) => part !== null && part !== '').join(':')}</td>
                    <td>{one.schema ?? ''}</td>
                    <td>{one.login ?? ''}</td>
                    <td className="wide faint">{one.description ?? ''}</td>
                    <td className="right">
                      <button
                        type="button"
                        className="icon-button"
                        aria-label={`Change ${one.connection_id}`}
                        title="Change…"
                        onClick={() => setEditing(one)}
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
      </div>
      {editing !== null && (
        <ConnectionDialog connection={editing === '' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Shell>
  );
}

const kTexts = ['connection_id', 'conn_type', 'host', 'port', 'schema', 'login', 'description', 'extra'] as const;
type Texts = Record<(typeof kTexts)[number], string>;

function ConnectionDialog({connection, onClose}: {connection: Connection | null; onClose: () => void}) {
  const [texts, setTexts] = useState<Texts>(
    () => Object.fromEntries(kTexts.map((name) => [name, String(connection?.[name] ?? '')])) as Texts,
  );
  const [password, setPassword] = useState('');
  const port = texts.port.trim();
  const badPort = port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535);
  const extra = parseConf(texts.extra);
  const done = (text: string) => {
    toast(text);
    void queryClient.invalidateQueries({queryKey: ['connections']});
    onClose();
  };
  const save = useMutation({
    mutationFn: () => {
      const {connection_id, conn_type, host, schema, login, description} = texts;
      const given = {
        connection_id: connection_id.trim(),
        conn_type: conn_type.trim(),
        host,
        schema,
        login,
        description,
        extra: texts.extra,
      };
      return client.saveConnection(
        // What is not named stays: an empty port or password is not sent.
        {...given, ...(port === '' ? {} : {port: Number(port)}), ...(password === '' ? {} : {password})},
        connection === null,
      );
    },
    onSuccess: () => done(`${texts.connection_id} is saved`),
  });
  const remove = useMutation({
    mutationFn: () => client.deleteConnection(texts.connection_id),
    onSuccess: () => done(`${texts.connection_id} is deleted`),
  });
  const valid = texts.connection_id.trim() !== '' && texts.conn_type.trim() !== '' && !badPort && 'conf' in extra;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) save.mutate();
  };
  const text = (name: keyof Texts, label: string, note = '') => (
    <label className="field">
      <span className="field-name">{label}</span>
      <input
        name={name}
        spellCheck={false}
        autoComplete="off"
        value={texts[name]}
        onChange={(event) => setTexts({...texts, [name]: event.target.value})}
      />
      {note !== '' && <span className="field-note">{note}</span>}
    </label>
  );
  const error = save.error ?? remove.error;
  return (
    <Dialog
      title={
        connection ? (
          <>
            Change <span className="dialog-subject">{connection.connection_id}</span>
          </>
        ) : (
          'New connection'
        )
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit} autoComplete="off">
        {!connection && text('connection_id', 'Name')}
        {text('conn_type', 'Type', 'duckdb, sqlite, postgres, http, smtp …')}
        <div className="form-pair">
          {text('host', 'Host, or the path of a file')}
          <div>
            {text('port', 'Port')}
            {badPort && <span className="field-problem">A number from 1 to 65535</span>}
          </div>
        </div>
        {text('schema', 'Schema or database')}
        <div className="form-pair">
          {text('login', 'Login')}
          <label className="field">
            <span className="field-name">Password</span>
            <input
              name="password"
              type="password"
              autoComplete="new-password"
              placeholder={connection?.password ? 'unchanged' : ''}
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          </label>
        </div>
        <label className="field">
          <span className="field-name">
            Extra <span className="faint">JSON</span>
          </span>
          <textarea
            name="extra"
            rows={3}
            className="mono"
            spellCheck={false}
            value={texts.extra}
            onChange={(event) => setTexts({...texts, extra: event.target.value})}
          />
          {'problem' in extra && <span className="field-problem">{extra.problem}</span>}
        </label>
        {text('description', 'Description')}
        {error && <ErrorNotice error={error} />}
        <div className="form-end">
          {connection && (
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
          <button type="submit" className="button button-primary" disabled={!valid || save.isPending}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
