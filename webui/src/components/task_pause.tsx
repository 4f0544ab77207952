// Whether a task's instances are held back, in every run of its DAG.
import {useMutation} from '@tanstack/react-query';
import {PauseIcon, PlayIcon} from './icons';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';
import type {Task} from '../api/types';

export function TaskPauseButton({dag, task}: {dag: string; task: Task}) {
  const pause = useMutation({
    mutationFn: (paused: boolean) => client.setTaskPaused(dag, task.task_id, paused),
    onError: (error) => toast(`${task.task_id}: ${error.message}`, 'error'),
    onSettled: () =>
      Promise.all([
        queryClient.invalidateQueries({queryKey: ['tasks', dag]}),
        queryClient.invalidateQueries({queryKey: ['why']}),
      ]),
  });
  const paused = task.is_paused ?? false;
  return (
    <button
      type="button"
      className="button"
      disabled={pause.isPending}
      title={paused ? 'Its instances go on' : 'Its instances wait, in every run; what runs goes on'}
      onClick={() => pause.mutate(!paused)}
    >
      {paused ? <PlayIcon /> : <PauseIcon />} {paused ? 'Unpause' : 'Pause'}
    </button>
  );
}

export function PausedTag() {
  return (
    <span className="tag warn-text" title="Its instances wait, in every run">
      paused
    </span>
  );
}
