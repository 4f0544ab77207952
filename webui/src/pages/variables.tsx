// Variables: named values that templates read. One whose name says that it is a secret can be set and is never shown.
import {useState} from 'react';
import {client, useVariables} from '../api/queries';
import type {Variable} from '../api/types';
import {RecordDialog, TextField} from '../components/record_dialog';
import {RecordPage, teamColumn, type Column} from '../components/record_page';

const kColumns: Column<Variable>[] = [
  {head: 'Variable', className: 'strong', cell: (variable) => variable.key},
  {
    head: 'Value',
    className: 'wide',
    cell: ({value}) => (
      <code className="conf" title={value ?? ''}>
        {value ?? ''}
      </code>
    ),
  },
  {head: 'Description', className: 'faint', cell: (variable) => variable.description ?? ''},
  teamColumn<Variable>(),
];

export function VariablesPage() {
  return (
    <RecordPage<Variable>
      noun="variable"
      resource="variables"
      useRows={useVariables}
      nameOf={(variable) => variable.key}
      columns={kColumns}
      empty={
        <>
          Templates read them as <code>{'{{ var.value.NAME }}'}</code>.
        </>
      }
      deleting="Templates that read them fail from now on, unless they give a default."
      form={(variable, onClose) => <VariableDialog variable={variable} onClose={onClose} />}
    />
  );
}

function VariableDialog({variable, onClose}: {variable: Variable | null; onClose: () => void}) {
  const [key, setKey] = useState(variable?.key ?? '');
  const [value, setValue] = useState(variable?.value ?? '');
  const [description, setDescription] = useState(variable?.description ?? '');
  const save = async () => {
    await client.saveVariable({key: key.trim(), value, description}, variable === null);
    return `${key.trim()} is saved`;
  };
  const remove = async () => {
    await client.deleteVariable(key);
    return `${key} is deleted`;
  };
  return (
    <RecordDialog
      noun="variable"
      resource="variables"
      name={variable?.key ?? null}
      valid={key.trim() !== ''}
      save={save}
      remove={remove}
      onClose={onClose}
    >
      {!variable && (
        <TextField
          name="key"
          label="Key"
          focus
          value={key}
          onChange={setKey}
          note="One with “password”, “secret”, “token” or the like in its name is never shown again."
        />
      )}
      <TextField
        name="value"
        label="Value"
        lines={5}
        focus={variable !== null}
        value={value}
        onChange={setValue}
        note={variable?.value === '***' && '*** keeps the value that it has.'}
      />
      <TextField name="description" label="Description" value={description} onChange={setDescription} />
    </RecordDialog>
  );
}
