// Pools: limits on task instances across DAGs. How full each is, and who waits.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {client, queryClient, usePools} from '../api/queries';
import type {Pool} from '../api/types';
import {AdminHead} from '../components/admin_head';
import {Dialog} from '../components/dialog';
import {EditIcon} from '../components/icons';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {toast} from '../components/toast';
import {useLive} from '../live/use_live';
import {useShortcuts} from '../shortcuts';

const kDefault = 'default_pool';

export function PoolsPage() {
  useLive(null);
  const query = usePools();
  // '' is a pool that is not there yet.
  const [editing, setEditing] = useState<Pool | '' | null>(null);
  useShortcuts({n: () => setEditing('')});
  const pools = query.data?.pools ?? [];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead>
          <button type="button" className="button button-primary" title="New pool (n)" onClick={() => setEditing('')}>
            New pool…
          </button>
        </AdminHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {query.data && pools.length === 0 && (
          <Empty title="No pool">Tasks that name no pool are in {kDefault}, which is made with the first run.</Empty>
        )}
        {pools.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>Pool</th>
                  <th className="right">Slots</th>
                  <th>Taken</th>
                  <th className="right">Running</th>
                  <th className="right">Queued</th>
                  <th className="right">Waiting</th>
                  <th className="wide">Description</th>
                  <th>
                    <span className="hidden">Change</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {pools.map((pool) => (
                  <tr key={pool.name} data-pool={pool.name}>
                    <td className="strong">{pool.name}</td>
                    <td className="right number">{pool.slots < 0 ? 'no limit' : pool.slots}</td>
                    <td>
                      <Taken pool={pool} />
                    </td>
                    <td className="right number">{pool.running_slots}</td>
                    <td className="right number">{pool.queued_slots}</td>
                    <td className={pool.scheduled_slots > 0 ? 'right number warn-text' : 'right number'}>
                      {pool.scheduled_slots}
                    </td>
                    <td className="wide faint">{pool.description ?? ''}</td>
                    <td className="right">
                      <button
                        type="button"
                        className="icon-button"
                        aria-label={`Change ${pool.name}`}
                        title="Change…"
                        onClick={() => setEditing(pool)}
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
      {editing !== null && <PoolDialog pool={editing === '' ? null : editing} onClose={() => setEditing(null)} />}
    </Shell>
  );
}

function Taken({pool}: {pool: Pool}) {
  if (pool.slots < 0) return <span className="faint">–</span>;
  const free = Math.max(0, pool.slots - pool.occupied_slots);
  const text = `${pool.running_slots} running, ${pool.queued_slots} queued, ${free} free`;
  return (
    <span className="progress-bar" role="img" aria-label={text} title={text}>
      {pool.running_slots > 0 && <span className="s-running" style={{flexGrow: pool.running_slots}} />}
      {pool.queued_slots > 0 && <span className="s-queued" style={{flexGrow: pool.queued_slots}} />}
      <span style={{flexGrow: free}} />
    </span>
  );
}

function PoolDialog({pool, onClose}: {pool: Pool | null; onClose: () => void}) {
  const [name, setName] = useState(pool?.name ?? '');
  const [slots, setSlots] = useState(String(pool?.slots ?? 8));
  const [description, setDescription] = useState(pool?.description ?? '');
  const count = /^(-1|\d{1,6})$/.test(slots.trim()) ? Number(slots) : null;
  const done = (text: string) => {
    toast(text);
    void queryClient.invalidateQueries({queryKey: ['pools']});
    onClose();
  };
  const save = useMutation({
    mutationFn: () => {
      const request = {name: name.trim(), slots: count ?? 0, description};
      return pool ? client.changePool(request) : client.createPool(request);
    },
    onSuccess: (saved) => done(`${saved.name} has ${saved.slots < 0 ? 'no limit' : `${saved.slots} slots`}`),
  });
  const remove = useMutation({
    mutationFn: () => client.deletePool(name),
    onSuccess: () => done(`${name} is deleted; its tasks wait until there is one again`),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (count !== null && name.trim() !== '') save.mutate();
  };
  const error = save.error ?? remove.error;
  return (
    <Dialog
      title={
        pool ? (
          <>
            Change <span className="dialog-subject">{pool.name}</span>
          </>
        ) : (
          'New pool'
        )
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit}>
        {!pool && (
          <label className="field">
            <span className="field-name">Name</span>
            <input
              name="name"
              autoFocus
              spellCheck={false}
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
        )}
        <label className="field">
          <span className="field-name">Slots</span>
          <input
            name="slots"
            autoFocus={pool !== null}
            inputMode="numeric"
            aria-invalid={count === null}
            value={slots}
            onChange={(event) => setSlots(event.target.value)}
          />
          {count === null ? (
            <span className="field-problem">A number of slots, or -1 for no limit</span>
          ) : (
            <span className="field-note">-1 is no limit. More slots let in who waits; fewer stop nobody.</span>
          )}
        </label>
        {name !== kDefault && (
          <label className="field">
            <span className="field-name">Description</span>
            <input
              name="description"
              autoComplete="off"
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          </label>
        )}
        {error && <ErrorNotice error={error} />}
        <div className="form-end">
          {pool && pool.name !== kDefault && (
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
          <button
            type="submit"
            className="button button-primary"
            disabled={count === null || name.trim() === '' || save.isPending}
          >
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
