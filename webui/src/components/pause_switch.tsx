// Whether a DAG's schedule runs. Shows the wish at once and takes it back when the server refuses.
import {useMutation} from '@tanstack/react-query';
import {client, queryClient, useCan} from '../api/queries';
import {toast} from './toast';

export function usePause(dag: string) {
  return useMutation({
    mutationFn: (paused: boolean) => client.setPaused(dag, paused),
    onError: (error) => toast(`${dag}: ${error.message}`, 'error'),
    onSettled: () =>
      Promise.all([
        queryClient.invalidateQueries({queryKey: ['dags']}),
        queryClient.invalidateQueries({queryKey: ['dag', dag]}),
      ]),
  });
}

export function PauseSwitch({dag, paused, showText = false}: {dag: string; paused: boolean; showText?: boolean}) {
  const pause = usePause(dag);
  const writes = useCan('write');
  const shown = pause.isPending ? pause.variables : paused;
  return (
    <button
      type="button"
      role="switch"
      aria-checked={!shown}
      aria-label={shown ? `${dag} is paused` : `${dag} is active`}
      title={shown ? 'Paused: scheduled runs do not start' : 'Active: scheduled runs start'}
      className="switch"
      disabled={!writes}
      onClick={() => pause.mutate(!shown)}
    >
      <span className="switch-track" aria-hidden="true">
        <span className="switch-thumb" />
      </span>
      {showText && <span>{shown ? 'Paused' : 'Active'}</span>}
    </button>
  );
}
