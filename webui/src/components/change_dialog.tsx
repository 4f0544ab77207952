// Runs task instances again or sets their state: of one task, one instance of a mapped task, or a task group, with what hangs on
// them if wished. The list is the server's own dry run of the same request.
import {useState} from 'react';
import {keepPreviousData, useMutation, useQuery} from '@tanstack/react-query';
import {ClearChecks, InlineCheck} from './clear_checks';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {ErrorNotice} from './notice';
import {Segments} from './segments';
import {SelectionPreview} from './selection_preview';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';
import type {ClearOptions, Mark, Selection} from '../api/instance_routes';
import {groupPath, instancePath} from '../api/paths';
import {countText} from '../format/selection';

export type Action = 'clear' | Mark;

const kActions: [Action, string][] = [
  ['clear', 'Run again'],
  ['success', 'Mark success'],
  ['failed', 'Mark failed'],
  ['skipped', 'Mark skipped'],
];

const kNotes: Record<Action, string> = {
  clear: 'They run again with all their retries; one that runs now is stopped first.',
  success: 'They count as done without running; what failed because of them runs again.',
  failed: 'They count as failed; one that runs now is stopped. What stands behind follows its trigger rule.',
  skipped: 'They are left out; one that runs now is stopped. What stands behind follows its trigger rule.',
};

const kScope: [keyof Selection, string, string][] = [
  ['upstream', 'Upstream', 'everything that it needs'],
  ['downstream', 'Downstream', 'everything that depends on it'],
  ['past', 'Past', 'the same in earlier runs'],
  ['future', 'Future', 'the same in later runs'],
];

interface Props {
  dag: string;
  run: string;
  task: string;
  map?: number;
  // Then `task` is the id of a group of so many tasks.
  group?: number;
  initial?: Action;
  onClose: () => void;
}

export function ChangeDialog({dag, run, task, map = -1, group, initial = 'clear', onClose}: Props) {
  const [action, setAction] = useState<Action>(initial);
  const [options, setOptions] = useState<ClearOptions>({
    upstream: false,
    downstream: initial === 'clear',
    past: false,
    future: false,
    only: null,
    newestVersion: false,
  });
  const request = (dryRun: boolean) => {
    const key = {dag, run, task, map};
    if (action === 'clear') return client.clear(key, [map < 0 ? task : [task, map]], options, dryRun);
    return client.mark(group === undefined ? instancePath(key) : groupPath(key), action, options, dryRun);
  };
  const preview = useQuery({
    queryKey: ['preview', dag, run, task, map, action, options],
    queryFn: () => request(true),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
  const change = useMutation({
    mutationFn: () => request(false),
    onSuccess: (answer) => {
      const count = countText(answer.task_instances.length, 'task instance');
      toast(action === 'clear' ? `${count} will run again` : `${count} marked ${action}`);
      for (const key of ['grid', 'taskInstance', 'instances', 'tries', 'run', 'why', 'xcoms'])
        void queryClient.invalidateQueries({queryKey: [key, dag]});
      onClose();
    },
  });
  const listed = preview.isError ? undefined : preview.data?.task_instances;
  return (
    <Dialog
      title={
        <>
          Change <span className="dialog-subject">{map < 0 ? task : `${task} [${map}]`}</span>
          {group !== undefined && <span className="faint dialog-kind"> group of {countText(group, 'task')}</span>}
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
        <Segments label="What to do" className="form-tabs" choices={kActions} value={action} onChoose={setAction} />
        <p className="field-note">{kNotes[action]}</p>
        <fieldset className="checks">
          <legend className="hidden">Also</legend>
          {kScope.map(([flag, text, title]) => (
            <InlineCheck
              key={flag}
              name={flag}
              text={text}
              title={title}
              checked={options[flag]}
              onChange={(checked) => setOptions({...options, [flag]: checked})}
            />
          ))}
          {action === 'clear' && <ClearChecks how={options} onChange={(how) => setOptions({...options, ...how})} />}
        </fieldset>
        <SelectionPreview
          instances={listed}
          error={preview.error}
          nothing={action === 'clear' ? 'Nothing to run again.' : `All of it is ${action} already.`}
        />
        {change.isError && <ErrorNotice error={change.error} />}
        <FormEnd
          text={kActions.find(([one]) => one === action)?.[1]}
          disabled={change.isPending || preview.isPlaceholderData || !listed || listed.length === 0}
          danger={action === 'failed'}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
