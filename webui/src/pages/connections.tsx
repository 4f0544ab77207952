// Connections: where tasks read and write, and as whom. Passwords can be set and are never shown.
import {useState} from 'react';
import {useMutation} from '@tanstack/react-query';
import {client, useConnections} from '../api/queries';
import type {Connection} from '../api/types';
import {ErrorNotice} from '../components/notice';
import {RecordDialog, TextField} from '../components/record_dialog';
import {RecordPage, teamColumn, type Column} from '../components/record_page';
import {parseConf} from '../format/params';

const kColumns: Column<Connection>[] = [
  {head: 'Connection', className: 'strong', cell: (one) => one.connection_id},
  {head: 'Type', cell: (one) => <span className="tag">{one.conn_type}</span>},
  {head: 'Host', cell: (one) => [one.host, one.port].filter((part) => part !== null && part !== '').join(':')},
  {head: 'Schema', cell: (one) => one.schema ?? ''},
  {head: 'Login', cell: (one) => one.login ?? ''},
  {head: 'Description', className: 'wide faint', cell: (one) => one.description ?? ''},
  teamColumn<Connection>(),
];

export function ConnectionsPage() {
  return (
    <RecordPage<Connection>
      noun="connection"
      resource="connections"
      useRows={useConnections}
      nameOf={(one) => one.connection_id}
      columns={kColumns}
      empty={
        <>
          Tasks name them: <code>{'with: {connection: warehouse, …}'}</code>. The scheduler also reads{' '}
          <code>MILLRACE_CONN_WAREHOUSE</code> from its environment.
        </>
      }
      deleting="Tasks that name them fail from now on. Their passwords cannot be had back."
      form={(connection, onClose) => <ConnectionDialog connection={connection} onClose={onClose} />}
    />
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
  const id = texts.connection_id.trim();
  const written = () => {
    const {host, schema, login, description, extra: json} = texts;
    return {
      connection_id: id,
      conn_type: texts.conn_type.trim(),
      host,
      schema,
      login,
      description,
      extra: json,
      // What is not named stays: an empty port or password is not sent.
      ...(port === '' ? {} : {port: Number(port)}),
      ...(password === '' ? {} : {password}),
    };
  };
  const save = async () => {
    await client.saveConnection(written(), connection === null);
    return `${id} is saved`;
  };
  const test = useMutation({mutationFn: () => client.testConnection(written())});
  const remove = async () => {
    await client.deleteConnection(id);
    return `${id} is deleted`;
  };
  const bind = (name: keyof Texts) => ({
    name,
    value: texts[name],
    onChange: (value: string) => setTexts({...texts, [name]: value}),
  });
  const valid = id !== '' && texts.conn_type.trim() !== '' && !badPort && 'conf' in extra;
  return (
    <RecordDialog
      noun="connection"
      resource="connections"
      name={connection?.connection_id ?? null}
      valid={valid}
      save={save}
      remove={remove}
      onClose={onClose}
      extra={
        <div className="connection-test">
          <button
            type="button"
            className="button button-small"
            title="A worker tries it as it is written here; nothing is saved"
            disabled={!valid || test.isPending}
            onClick={() => test.mutate()}
          >
            {test.isPending ? 'Testing…' : 'Test'}
          </button>
          {test.isError && <ErrorNotice error={test.error} />}
          {test.data && (
            <span className={test.data.status ? 'test-works' : 'field-problem'} role="status">
              {test.data.message || (test.data.status ? 'It works' : 'It does not work')}
            </span>
          )}
        </div>
      }
    >
      {!connection && <TextField {...bind('connection_id')} label="Name" focus />}
      <TextField {...bind('conn_type')} label="Type" note="duckdb, sqlite, postgres, http, smtp …" />
      <div className="form-pair">
        <TextField {...bind('host')} label="Host, or the path of a file" />
        <TextField {...bind('port')} label="Port" numeric problem={badPort ? 'A number from 1 to 65535' : null} />
      </div>
      <TextField {...bind('schema')} label="Schema or database" />
      <div className="form-pair">
        <TextField {...bind('login')} label="Login" />
        <TextField
          name="password"
          label="Password"
          secret={{placeholder: connection?.password ? 'unchanged' : ''}}
          value={password}
          onChange={setPassword}
        />
      </div>
      <TextField
        {...bind('extra')}
        label={
          <>
            Extra <span className="faint">JSON</span>
          </>
        }
        lines={3}
        problem={'problem' in extra ? extra.problem : null}
      />
      <TextField {...bind('description')} label="Description" />
    </RecordDialog>
  );
}
