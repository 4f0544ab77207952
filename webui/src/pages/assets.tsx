// Assets (datasets): what tasks write and runs are started by. Who makes each, who follows it, and when it was last updated.
import {useDeferredValue} from 'react';
import {useAssets} from '../api/queries';
import type {Asset} from '../api/types';
import {AssetHead} from '../components/asset_head';
import {More} from '../components/more';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {SearchBox} from '../components/search_box';
import {Shell} from '../components/shell';
import {Ago} from '../components/times';
import {useLive} from '../live/use_live';
import {assetHref, dagHref, Link, setSearchParams, useSearchParam} from '../router';

export function AssetsPage() {
  useLive(null);
  const search = useSearchParam('search') ?? '';
  const query = useAssets(useDeferredValue(search));
  const assets = query.data?.rows ?? [];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AssetHead>
          <SearchBox slash label="Search assets" value={search} onChange={(text) => setSearchParams({search: text})} />
        </AssetHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {query.data && assets.length === 0 && (
          <Empty title={search === '' ? 'No asset yet' : 'No asset matches'}>
            {search === '' ? (
              <>
                A task that says <code>outlets: [orders]</code> updates the asset “orders”; a DAG with{' '}
                <code>{'schedule: {datasets: [orders]}'}</code> runs when it was.
              </>
            ) : (
              <button type="button" className="button" onClick={() => setSearchParams({search: null})}>
                Show all
              </button>
            )}
          </Empty>
        )}
        {assets.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th>Asset</th>
                  <th>Updated</th>
                  <th>Made by</th>
                  <th>Starts</th>
                  <th>Read by</th>
                  <th>Group</th>
                </tr>
              </thead>
              <tbody>
                {assets.map((asset) => (
                  <tr key={asset.id} data-asset={asset.name}>
                    <td className="wide">
                      <Link href={assetHref(asset.id)} className="strong">
                        {asset.name}
                      </Link>
                      {asset.uri !== asset.name && <div className="faint small">{asset.uri}</div>}
                      {asset.watchers.some((watch) => watch.failure !== null) && (
                        <div className="field-problem">A watch of it fails</div>
                      )}
                    </td>
                    <td className="faint">
                      {asset.last_asset_event ? <Ago value={asset.last_asset_event.timestamp} /> : 'never'}
                    </td>
                    <td>
                      <Uses uses={asset.producing_tasks} />
                    </td>
                    <td>
                      <Uses uses={asset.scheduled_dags} />
                    </td>
                    <td>
                      <Uses uses={asset.consuming_tasks} />
                    </td>
                    <td className="faint">{asset.group}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <More query={query} />
      </div>
    </Shell>
  );
}

export function Uses({uses}: {uses: Asset['producing_tasks']}) {
  if (uses.length === 0) return <span className="faint">–</span>;
  return (
    <span className="chips">
      {uses.slice(0, 6).map((use) => (
        <Link key={`${use.dag_id}\n${use.task_id ?? ''}`} className="chip" href={dagHref(use.dag_id)}>
          {use.dag_id}
          {use.task_id !== undefined && <span className="faint"> {use.task_id}</span>}
        </Link>
      ))}
      {uses.length > 6 && <span className="faint">and {uses.length - 6} more</span>}
    </span>
  );
}
