// What can be done with whole runs, one or many: run them again, end them as success or failed, forget them. Running again shows
// the server's own dry run; the others list the runs with what becomes of each.
import {useState} from 'react';
import {keepPreviousData, useMutation, useQuery} from '@tanstack/react-query';
import {ClearChecks} from './clear_checks';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {ErrorNotice} from './notice';
import {Segments} from './segments';
import {SelectionPreview} from './selection_preview';
import {StateDot} from './state';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';
import type {HowCleared} from '../api/instance_routes';
import type {DagRun, StateCounts} from '../api/types';
import {countText} from '../format/selection';
import {totalOf} from '../format/summary';

export type RunAction = 'clear' | 'success' | 'failed' | 'delete';

interface Props {
  runs: readonly DagRun[];
  // The task instances by state, where they are known.
  counts?: StateCounts;
  initial: RunAction;
  onClose: () => void;
  onDone?: (action: RunAction) => void;
}

const kShown = 200;
const isActive = (run: DagRun) => run.state === 'running' || run.state === 'queued';

// Those that the action changes; the others are as it would have them, or it may not touch them.
function changedBy(action: RunAction, runs: readonly DagRun[]): DagRun[] {
  if (action === 'delete') return runs.filter((run) => !isActive(run));
  if (action === 'clear') return [...runs];
  // Where some are under way it is said to cancel: those that are over have nothing to be cancelled.
  const active = runs.filter(isActive);
  if (action === 'failed' && active.length > 0) return active;
  return runs.filter((run) => run.state !== action);
}

export function RunDialog({runs: given, counts, initial, onClose, onDone}: Props) {
  // As they were chosen: what the dialog says does not change while it is read.
  const [runs] = useState(given);
  const [action, setAction] = useState<RunAction>(initial);
  const [how, setHow] = useState<HowCleared>({
    only: runs.some((run) => run.state === 'failed') ? 'failed' : null,
    newestVersion: false,
  });
  const one = runs.length === 1 ? runs[0] : undefined;
  const changed = changedBy(action, runs);
  const active = runs.filter(isActive).length;
  const preview = useQuery({
    queryKey: ['preview', runs.map((run) => [run.dag_id, run.dag_run_id]), how],
    queryFn: async () => (await client.clearRuns(runs, how, true)).task_instances ?? [],
    enabled: action === 'clear',
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
  const listed = preview.isError ? undefined : preview.data;
  const change = useMutation({
    mutationFn: async (): Promise<string> => {
      if (action === 'clear') {
        await client.clearRuns(runs, how, false);
        return `${countText(listed?.length ?? 0, 'task instance')} will run again`;
      }
      const {done, errors} = await client.changeRuns(changed, action === 'delete' ? null : action);
      if (errors.length > 0)
        throw new Error(`${done > 0 ? `${done} of ${changed.length} done. ` : ''}${errors.join('; ')}`);
      const verb =
        action === 'delete' ? 'Deleted' : action === 'failed' && active > 0 ? 'Cancelled' : `Marked ${action}`;
      return `${verb}: ${one ? one.dag_run_id : countText(done, 'run')}`;
    },
    onSuccess: (text) => {
      toast(text);
      onDone?.(action);
      onClose();
    },
    onSettled: () => {
      const dags = new Set(runs.map((run) => run.dag_id));
      for (const dag of dags) {
        for (const key of ['grid', 'run', 'taskInstance', 'instances', 'tries', 'why', 'calendar'])
          void queryClient.invalidateQueries({queryKey: [key, dag]});
      }
      for (const key of ['runs', 'runList', 'dayRuns']) void queryClient.invalidateQueries({queryKey: [key]});
    },
  });
  const plural = one ? '' : 's';
  const failing = active > 0 ? `Cancel the run${plural}` : 'Mark failed';
  const actions: [RunAction, string, string][] = [
    ['clear', 'Run again', 'Run again'],
    ['success', 'Mark success', 'Mark success'],
    ['failed', active > 0 ? 'Cancel' : 'Mark failed', failing],
    ['delete', 'Delete', `Delete the run${plural}`],
  ];
  const danger = action === 'failed' || action === 'delete';
  return (
    <Dialog
      title={
        <>
          Change <span className="dialog-subject">{one ? one.dag_run_id : countText(runs.length, 'run')}</span>
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
        <Segments
          label="What to do"
          className="form-tabs"
          choices={actions.map(([name, text]) => [name, text] as const)}
          value={action}
          onChoose={setAction}
        />
        <p className="field-note">{noteOf(action, active, runs.length, counts)}</p>
        {action === 'clear' ? (
          <>
            <fieldset className="checks">
              <legend className="hidden">What runs again</legend>
              <ClearChecks how={how} onChange={setHow} />
            </fieldset>
            <SelectionPreview instances={listed} error={preview.error} nothing="Nothing to run again." />
          </>
        ) : (
          !one && <RunPreview runs={runs} changed={changed} />
        )}
        {change.isError && <ErrorNotice error={change.error} />}
        <FormEnd
          text={actions.find(([name]) => name === action)?.[2]}
          disabled={
            change.isPending ||
            changed.length === 0 ||
            (action === 'clear' && (preview.isPlaceholderData || !listed || listed.length === 0))
          }
          danger={danger}
          cancel={action === 'failed' && active > 0 ? `Let ${one ? 'it' : 'them'} run` : 'Cancel'}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

function noteOf(action: RunAction, active: number, runs: number, counts: StateCounts | undefined): string {
  const total = counts && countText(totalOf(counts), 'task instance');
  const many = runs > 1;
  switch (action) {
    case 'clear':
      return 'What is listed runs again with all its retries; what runs now is stopped first.';
    case 'success': {
      const rest = counts && totalOf(counts) - (counts.success ?? 0);
      const how =
        rest === undefined ? '' : `: ${countText(rest, 'task instance')} ${rest === 1 ? 'changes' : 'change'}`;
      return `The ${many ? 'runs' : 'run'} and all of ${many ? 'their' : 'its'} task instances count as success${how}. What runs now is stopped.`;
    }
    case 'failed':
      if (active === 0)
        return `The ${many ? 'runs count' : 'run counts'} as failed. ${many ? 'Their' : 'Its'} task instances stay as they are.`;
      return `What runs is stopped, what waits does not start, and the ${many ? 'runs end' : 'run ends'} as failed. What was already published stays.`;
    case 'delete':
      if (active === runs)
        return `${many ? 'Runs that are' : 'A run that is'} under way cannot be deleted: cancel ${many ? 'them' : 'it'} first.`;
      return `Forgets the ${many ? 'runs with their' : `run with its`} ${total ?? 'task instances'}, tries, values and logs. This cannot be undone.`;
  }
}

// A line a run; those that stay as they are stand last and say so.
function RunPreview({runs, changed}: {runs: readonly DagRun[]; changed: readonly DagRun[]}) {
  const touched = new Set(changed);
  const lines = [...changed, ...runs.filter((run) => !touched.has(run))];
  return (
    <div className="selection">
      <p className="selection-sum">
        {changed.length === runs.length
          ? countText(changed.length, 'run')
          : `${changed.length} of ${runs.length} runs; the others stay as they are`}
      </p>
      <ul className="clear-list">
        {lines.slice(0, kShown).map((run) => (
          <li key={`${run.dag_id}\n${run.dag_run_id}`} className={touched.has(run) ? '' : 'faint'}>
            <StateDot state={run.state} />
            <span className="selection-task">{run.dag_id}</span>
            <span className="faint selection-run">{run.dag_run_id}</span>
            {!touched.has(run) && <span className="selection-stays">stays</span>}
          </li>
        ))}
        {lines.length > kShown && <li className="faint">and {lines.length - kShown} more</li>}
      </ul>
    </div>
  );
}
