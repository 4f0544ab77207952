// One asset: from whom it comes and to whom it goes, its updates with the runs that they started, and saying that it was updated.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {client, queryClient, useAsset, useAssetEvents, useAssetState, useCan} from '../api/queries';
import type {Asset, AssetEvent, AssetWatch} from '../api/types';
import {Dialog} from '../components/dialog';
import {FormEnd} from '../components/form_end';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {StateDot} from '../components/state';
import {StateEntries} from '../components/task_values';
import {Ago, Time} from '../components/times';
import {toast} from '../components/toast';
import {parseConf} from '../format/params';
import {useLive} from '../live/use_live';
import {assetGraphHref, dagHref, Link, navigate, taskHref} from '../router';
import {useShortcuts} from '../shortcuts';
import {Uses} from './assets';

export function AssetPage({asset: id}: {asset: number}) {
  useLive(null);
  const query = useAsset(id);
  const asset = query.data;
  const events = useAssetEvents(id);
  const writes = useCan('write');
  const [updating, setUpdating] = useState(false);
  useShortcuts({
    u: () => navigate('/assets'),
    n: () => setUpdating(true),
    v: () => asset && navigate(assetGraphHref(`dataset:${asset.name}`)),
  });
  const materialize = useMutation({
    mutationFn: () => client.materialize(id),
    onSuccess: (run) => {
      toast(`Started ${run.dag_id}`);
      navigate(dagHref(run.dag_id, run.dag_run_id));
    },
    onError: (error) => toast(error.message, 'error'),
  });
  const list = events.data?.asset_events ?? [];
  return (
    <Shell crumbs={[{text: asset?.name ?? String(id)}]}>
      <div className="page list-page">
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {asset && (
          <>
            <header className="page-head">
              <h1>{asset.name}</h1>
              {asset.uri !== asset.name && <code className="faint">{asset.uri}</code>}
              <span className="page-actions">
                <Link
                  className="button"
                  href={assetGraphHref(`dataset:${asset.name}`)}
                  title="What leads to it and what it leads to, among all assets (v)"
                >
                  Graph
                </Link>
                <button
                  type="button"
                  className="button"
                  hidden={!writes}
                  title="Say that it was updated outside (n)"
                  onClick={() => setUpdating(true)}
                >
                  Mark updated…
                </button>
                {writes && asset.producing_tasks.length > 0 && (
                  <button
                    type="button"
                    className="button button-primary"
                    title="Start the DAG that makes it"
                    disabled={materialize.isPending}
                    onClick={() => materialize.mutate()}
                  >
                    Materialize
                  </button>
                )}
              </span>
            </header>
            <Lineage asset={asset} />
            <h2>
              Updates{' '}
              {events.data && events.data.total_entries > list.length && (
                <span className="faint">
                  the newest {list.length} of {events.data.total_entries}
                </span>
              )}
            </h2>
            {events.isError && <ErrorNotice error={events.error} />}
            {events.data && list.length === 0 && <Empty title="It has not been updated yet" />}
            {list.length > 0 && <Events events={list} />}
            <Kept asset={id} />
          </>
        )}
      </div>
      {updating && asset && <UpdateDialog asset={asset} onClose={() => setUpdating(false)} />}
    </Shell>
  );
}

function Lineage({asset}: {asset: Asset}) {
  return (
    <section className="lineage" aria-label="Lineage">
      <div className="card">
        <h2>Made by</h2>
        <Uses uses={asset.producing_tasks} />
        {asset.watchers.length > 0 && (
          <>
            <h2>Watched by</h2>
            {asset.watchers.map((watch) => (
              <WatchLine key={watch.trigger_id} watch={watch} />
            ))}
          </>
        )}
      </div>
      <span className="lineage-arrow" aria-hidden="true">
        →
      </span>
      <div className="card lineage-self">
        <h2>{asset.name}</h2>
        <span className="faint">
          {asset.last_asset_event ? (
            <>
              updated <Ago value={asset.last_asset_event.timestamp} />
            </>
          ) : (
            'never updated'
          )}
        </span>
        {asset.aliases.length > 0 && (
          <span className="chips faint" title="Tasks update it by these names too">
            also as
            {asset.aliases.map((alias) => (
              <span key={alias.id} className="chip" data-alias={alias.name}>
                {alias.name}
              </span>
            ))}
          </span>
        )}
      </div>
      <span className="lineage-arrow" aria-hidden="true">
        →
      </span>
      <div className="card">
        <h2>Starts</h2>
        <Uses uses={asset.scheduled_dags} />
        {asset.consuming_tasks.length > 0 && (
          <>
            <h2>Read by</h2>
            <Uses uses={asset.consuming_tasks} />
          </>
        )}
      </div>
    </section>
  );
}

// Its state store, when there is something in it.
function Kept({asset}: {asset: number}) {
  const state = useAssetState(asset);
  if (state.isError) return <ErrorNotice error={state.error} />;
  if (!state.data || state.data.length === 0) return null;
  return (
    <>
      <h2>State</h2>
      <StateEntries entries={state.data} />
    </>
  );
}

// What looks at it from outside, and what the last look came to.
function WatchLine({watch}: {watch: AssetWatch}) {
  return (
    <div data-watch={watch.name}>
      <span className="chips">
        <Link className="chip" href={dagHref(watch.dag_id)}>
          {watch.dag_id} <span className="faint">{watch.name}</span>
        </Link>
        <span className="faint">
          {watch.kind}, {watch.changed_at ? <Ago value={watch.changed_at} /> : 'no change yet'}
        </span>
      </span>
      {watch.failure !== null && <div className="field-problem">{watch.failure}</div>}
    </div>
  );
}

function Events({events}: {events: AssetEvent[]}) {
  const partitioned = events.some((event) => event.partition_key !== null);
  return (
    <div className="card table-card">
      <table className="list-table">
        <thead>
          <tr>
            <th>When</th>
            <th>By</th>
            {partitioned && <th>Partition</th>}
            <th>Started</th>
            <th className="wide">Extra</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id} data-event={event.id}>
              <td>
                <Time value={event.timestamp} />
              </td>
              <td>
                <Source event={event} />
              </td>
              {partitioned && <td>{event.partition_key}</td>}
              <td>
                <span className="chips">
                  {event.created_dagruns.map((run) => (
                    <Link
                      key={`${run.dag_id}\n${run.run_id}`}
                      className="chip"
                      href={dagHref(run.dag_id, run.run_id)}
                      title={run.run_id}
                    >
                      <StateDot state={run.state} /> {run.dag_id}
                    </Link>
                  ))}
                  {event.created_dagruns.length === 0 && <span className="faint">nothing yet</span>}
                </span>
              </td>
              <td className="wide">
                {Object.keys(event.extra).length > 0 && <code className="conf">{JSON.stringify(event.extra)}</code>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Source({event}: {event: AssetEvent}) {
  const {source_dag_id: dag, source_run_id: run, source_task_id: task, source_map_index: map} = event;
  if (dag === null || run === null || task === null) return <span className="faint">from outside</span>;
  return (
    <Link href={taskHref(dag, run, task, {map})} title={run}>
      {dag} <span className="faint">{map < 0 ? task : `${task} [${map}]`}</span>
    </Link>
  );
}

function UpdateDialog({asset, onClose}: {asset: Asset; onClose: () => void}) {
  const [text, setText] = useState('{}');
  const [partition, setPartition] = useState('');
  const parsed = parseConf(text);
  const update = useMutation({
    mutationFn: (extra: Record<string, unknown>) => client.updateAsset(asset.id, extra, partition),
    onSuccess: () => {
      toast(`${asset.name} was updated`);
      for (const key of ['assets', 'asset', 'assetEvents']) void queryClient.invalidateQueries({queryKey: [key]});
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ('conf' in parsed) update.mutate(parsed.conf);
  };
  return (
    <Dialog
      title={
        <>
          Mark updated <span className="dialog-subject">{asset.name}</span>
        </>
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit}>
        <p className="field-note">
          {asset.scheduled_dags.length > 0
            ? 'Says that something outside has updated it: DAGs that are scheduled by it may start.'
            : 'Says that something outside has updated it. No DAG is scheduled by it.'}
        </p>
        <label className="field">
          <span className="field-name">
            Extra <span className="faint">JSON</span>
          </span>
          <textarea
            name="extra"
            rows={4}
            className="mono"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          {'problem' in parsed && <span className="field-problem">{parsed.problem}</span>}
        </label>
        <label className="field">
          <span className="field-name">
            Partition key <span className="faint">when only a part of it was updated</span>
          </span>
          <input name="partition_key" value={partition} onChange={(event) => setPartition(event.target.value)} />
        </label>
        {update.isError && <ErrorNotice error={update.error} />}
        <FormEnd text="Mark updated" disabled={'problem' in parsed || update.isPending} onClose={onClose} />
      </form>
    </Dialog>
  );
}
