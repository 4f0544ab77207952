// Pools: limits on task instances across DAGs. How full each is, and who waits.
import {useState} from 'react';
import {client, usePools} from '../api/queries';
import type {Pool} from '../api/types';
import {RecordDialog, TextField} from '../components/record_dialog';
import {RecordPage, teamColumn, type Column} from '../components/record_page';
import {PoolSlots} from '../components/slots';

const kDefault = 'default_pool';

const kColumns: Column<Pool>[] = [
  {head: 'Pool', className: 'strong', cell: (pool) => pool.name},
  {head: 'Slots', className: 'right number', cell: (pool) => (pool.slots < 0 ? 'no limit' : pool.slots)},
  {head: 'Taken', cell: (pool) => <PoolSlots pool={pool} />},
  {head: 'Running', className: 'right number', cell: (pool) => pool.running_slots},
  {head: 'Queued', className: 'right number', cell: (pool) => pool.queued_slots},
  {
    head: 'Waiting',
    className: 'right number',
    cell: (pool) => <span className={pool.scheduled_slots > 0 ? 'warn-text' : ''}>{pool.scheduled_slots}</span>,
  },
  {head: 'Description', className: 'wide faint', cell: (pool) => pool.description ?? ''},
  teamColumn<Pool>(),
];

export function PoolsPage() {
  return (
    <RecordPage<Pool>
      noun="pool"
      resource="pools"
      useRows={usePools}
      nameOf={(pool) => pool.name}
      isLasting={(pool) => pool.name === kDefault}
      columns={kColumns}
      empty={<>Tasks that name no pool are in {kDefault}, which is made with the first run.</>}
      deleting="Their tasks wait until there is a pool of that name again; what runs goes on."
      form={(pool, onClose) => <PoolDialog pool={pool} onClose={onClose} />}
    />
  );
}

function PoolDialog({pool, onClose}: {pool: Pool | null; onClose: () => void}) {
  const [name, setName] = useState(pool?.name ?? '');
  const [slots, setSlots] = useState(String(pool?.slots ?? 8));
  const [description, setDescription] = useState(pool?.description ?? '');
  const count = /^(-1|\d{1,6})$/.test(slots.trim()) ? Number(slots) : null;
  const save = async () => {
    const request = {name: name.trim(), slots: count ?? 0, description};
    const saved = await (pool ? client.changePool(request) : client.createPool(request));
    return `${saved.name} has ${saved.slots < 0 ? 'no limit' : `${saved.slots} slots`}`;
  };
  const remove = async () => {
    await client.deletePool(name);
    return `${name} is deleted; its tasks wait until there is one again`;
  };
  return (
    <RecordDialog
      noun="pool"
      resource="pools"
      name={pool?.name ?? null}
      valid={count !== null && name.trim() !== ''}
      save={save}
      remove={name === kDefault ? null : remove}
      onClose={onClose}
    >
      {!pool && <TextField name="name" label="Name" focus value={name} onChange={setName} />}
      <TextField
        name="slots"
        label="Slots"
        focus={pool !== null}
        numeric
        value={slots}
        onChange={setSlots}
        note="-1 is no limit. More slots let in who waits; fewer stop nobody."
        problem={count === null ? 'A number of slots, or -1 for no limit' : null}
      />
      {name !== kDefault && (
        <TextField name="description" label="Description" value={description} onChange={setDescription} />
      )}
    </RecordDialog>
  );
}
