// What can be done with a run as a whole: run it again, end it as success or failed, forget it. Running again shows the server's
// own dry run; the others say how many task instances they are about.
import {useState} from 'react';
import {keepPreviousData, useMutation, useQuery} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {ErrorNotice} from './notice';
import {SelectionPreview} from './selection_preview';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';
import type {DagRun, StateCounts, TaskInstance} from '../api/types';
import {countText} from '../format/selection';
import {totalOf} from '../format/summary';

export type RunAction = 'clear' | 'success' | 'failed' | 'delete';

interface Props {
  dag: string;
  run: DagRun;
  // Its task instances by state.
  counts: StateCounts;
  initial: RunAction;
  onClose: () => void;
  onDeleted: () => void;
}

export function RunDialog({dag, run, counts, initial, onClose, onDeleted}: Props) {
  const active = run.state === 'running' || run.state === 'queued';
  const [action, setAction] = useState<RunAction>(initial);
  const [onlyFailed, setOnlyFailed] = useState(run.state === 'failed');
  const [newestVersion, setNewestVersion] = useState(false);
  const runId = run.dag_run_id;
  const clear = (dryRun: boolean) =>
    client.clear(
      {dag, run: runId, task: null, map: -1},
      {upstream: false, downstream: onlyFailed, past: false, future: false, onlyFailed, newestVersion},
      dryRun,
    );
  const preview = useQuery({
    queryKey: ['preview', dag, runId, onlyFailed, newestVersion],
    queryFn: () => clear(true),
    enabled: action === 'clear',
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
  const change = useMutation({
    mutationFn: async (): Promise<string> => {
      if (action === 'clear')
        return `${countText((await clear(false)).task_instances.length, 'task instance')} will run again`;
      if (action === 'delete') {
        await client.deleteRun(dag, runId);
        return `Deleted ${runId}`;
      }
      await client.markRun(dag, runId, action);
      return action === 'failed' && active ? `Cancelled ${runId}` : `Marked ${runId} ${action}`;
    },
    onSuccess: (text) => {
      toast(text);
      for (const key of ['grid', 'run', 'taskInstance', 'instances', 'tries', 'why'])
        void queryClient.invalidateQueries({queryKey: [key, dag]});
      void queryClient.invalidateQueries({queryKey: ['runs']});
      if (action === 'delete') onDeleted();
      onClose();
    },
  });
  const listed: TaskInstance[] | undefined = preview.isError ? undefined : preview.data?.task_instances;
  const actions: [RunAction, string, string][] = [
    ['clear', 'Run again', 'Run again'],
    ['success', 'Mark success', 'Mark success'],
    ['failed', active ? 'Cancel' : 'Mark failed', active ? 'Cancel the run' : 'Mark failed'],
    ['delete', 'Delete', 'Delete the run'],
  ];
  const rest = totalOf(counts) - (counts.success ?? 0);
  const notes: Record<RunAction, string> = {
    clear: 'What is listed runs again with all its retries; what runs now is stopped first.',
    success: `The run and all of its task instances count as success: ${countText(rest, 'task instance')} ${rest === 1 ? 'changes' : 'change'}. What runs now is stopped.`,
    failed: active
      ? 'What runs is stopped, what waits does not start, and the run ends as failed. What was already published stays.'
      : 'The run counts as failed. Its task instances stay as they are.',
    delete: active
      ? 'A run that is under way cannot be deleted: cancel it first.'
      : `Forgets the run with its ${countText(totalOf(counts), 'task instance')}, tries, values and logs. This cannot be undone.`,
  };
  const chosen = actions.find(([one]) => one === action);
  return (
    <Dialog
      title={
        <>
          Change <span className="dialog-subject">{runId}</span>
        </>
      }
      onClose={onClose}
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <div className="segments form-tabs" role="group" aria-label="What to do">
          {actions.map(([one, text]) => (
            <button key={one} type="button" aria-pressed={action === one} onClick={() => setAction(one)}>
              {text}
            </button>
          ))}
        </div>
        <p className="field-note">{notes[action]}</p>
        {action === 'clear' && (
          <>
            <fieldset className="checks">
              <legend className="hidden">What runs again</legend>
              <label className="field-check-inline" title="what failed, and what could not run because of it">
                <input
                  type="checkbox"
                  name="onlyFailed"
                  checked={onlyFailed}
                  onChange={(event) => setOnlyFailed(event.target.checked)}
                />
                Only failed
              </label>
              <label
                className="field-check-inline"
                title="of the DAG, instead of the one that the run began with; whole runs only"
              >
                <input
                  type="checkbox"
                  name="newestVersion"
                  checked={newestVersion}
                  onChange={(event) => setNewestVersion(event.target.checked)}
                />
                Newest version
              </label>
            </fieldset>
            <SelectionPreview instances={listed} error={preview.error} nothing="Nothing to run again." />
          </>
        )}
        {change.isError && <ErrorNotice error={change.error} />}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            {action === 'failed' && active ? 'Let it run' : 'Cancel'}
          </button>
          <button
            type="submit"
            className={action === 'failed' || action === 'delete' ? 'button button-danger' : 'button button-primary'}
            disabled={
              change.isPending ||
              (action === 'delete' && active) ||
              (action === 'clear' && (preview.isPlaceholderData || !listed || listed.length === 0))
            }
          >
            {chosen?.[2]}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
