// The backfills of every DAG, the newest first.
import {useState} from 'react';
import {useBackfills, useCan} from '../api/queries';
import {BackfillDialog} from '../components/backfill_dialog';
import {BackfillList} from '../components/backfill_list';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Shell} from '../components/shell';
import {useLive} from '../live/use_live';
import {useShortcuts} from '../shortcuts';

export function BackfillsPage() {
  useLive(null);
  const [making, setMaking] = useState(false);
  useShortcuts({n: () => setMaking(true)});
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <Backfills dag="" onNew={() => setMaking(true)} />
      </div>
      {making && <BackfillDialog dag={null} onClose={() => setMaking(false)} />}
    </Shell>
  );
}

// dag '' means of every DAG.
export function Backfills({dag, onNew}: {dag: string; onNew: () => void}) {
  const query = useBackfills(dag);
  const writes = useCan('write');
  const backfills = query.data?.backfills ?? [];
  return (
    <>
      <header className="page-head">
        <h1>Backfills</h1>
        {writes && (
          <button type="button" className="button button-primary" title="New backfill (n)" onClick={onNew}>
            New backfill…
          </button>
        )}
      </header>
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton rows={4} />}
      {query.data &&
        (backfills.length === 0 ? (
          <Empty title="No backfill yet">
            A backfill runs a DAG for the dates of a range: those that were missed, failed, or should run once more.
          </Empty>
        ) : (
          <BackfillList backfills={backfills} withDag={dag === ''} />
        ))}
      {query.data && query.data.total_entries > backfills.length && (
        <p className="faint">
          The newest {backfills.length} of {query.data.total_entries}.
        </p>
      )}
    </>
  );
}
