// Runs a task again, with what depends on it if wished. The list is the server's own dry run, so it shows exactly what the
// button will do.
import {useState} from 'react';
import {keepPreviousData, useMutation, useQuery} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {ErrorNotice, Skeleton} from './notice';
import {StateDot} from './state';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';

const kShown = 12;

export function ClearDialog({dag, run, task, onClose}: {dag: string; run: string; task: string; onClose: () => void}) {
  const [downstream, setDownstream] = useState(true);
  const request = (dryRun: boolean) =>
    client.clear(dag, {
      dag_run_id: run,
      task_ids: [task],
      include_downstream: downstream,
      only_failed: false,
      dry_run: dryRun,
    });
  const preview = useQuery({
    queryKey: ['clearPreview', dag, run, task, downstream],
    queryFn: () => request(true),
    placeholderData: keepPreviousData,
  });
  const clear = useMutation({
    mutationFn: () => request(false),
    onSuccess: (answer) => {
      const count = answer.task_instances.length;
      toast(count === 1 ? `${task} runs again` : `${count} task instances run again`);
      for (const key of ['grid', 'taskInstance', 'tries', 'run'])
        void queryClient.invalidateQueries({queryKey: [key, dag]});
      onClose();
    },
  });
  const listed = preview.data?.task_instances ?? [];
  return (
    <Dialog
      title={
        <>
          Run again <span className="dialog-subject">{task}</span>
        </>
      }
      onClose={onClose}
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          clear.mutate();
        }}
      >
        <label className="field field-check">
          <input type="checkbox" checked={downstream} onChange={(event) => setDownstream(event.target.checked)} />
          <span className="field-name">Also everything that depends on it</span>
        </label>
        {preview.isError ? (
          <ErrorNotice error={preview.error} />
        ) : !preview.data ? (
          <Skeleton rows={2} />
        ) : (
          <ul className="clear-list">
            {listed.slice(0, kShown).map((one) => (
              <li key={one.task_id}>
                <StateDot state={one.state} />
                {one.task_id}
              </li>
            ))}
            {listed.length > kShown && <li className="faint">and {listed.length - kShown} more</li>}
            {listed.length === 0 && <li className="faint">Nothing to clear.</li>}
          </ul>
        )}
        {clear.isError && <ErrorNotice error={clear.error} />}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={clear.isPending || listed.length === 0}>
            {clear.isPending ? 'Clearing…' : 'Run again'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
