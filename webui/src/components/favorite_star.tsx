// Whether a DAG is a favorite of who looks. Shows the wish at once and takes it back when the server refuses.
import {useMutation} from '@tanstack/react-query';
import {StarIcon} from './icons';
import {toast} from './toast';
import {client, queryClient} from '../api/queries';

export function useFavorite() {
  return useMutation({
    mutationFn: ({dag, favorite}: {dag: string; favorite: boolean}) => client.setFavorite(dag, favorite),
    onError: (error, {dag}) => toast(`${dag}: ${error.message}`, 'error'),
    onSettled: (_answer, _error, {dag}) =>
      Promise.all([
        queryClient.invalidateQueries({queryKey: ['dags']}),
        queryClient.invalidateQueries({queryKey: ['dag', dag]}),
      ]),
  });
}

export function FavoriteStar({dag, favorite}: {dag: string; favorite: boolean}) {
  const mark = useFavorite();
  const shown = mark.isPending ? mark.variables.favorite : favorite;
  return (
    <button
      type="button"
      className="icon-button star"
      aria-pressed={shown}
      aria-label={`${dag} is a favorite`}
      title={shown ? 'A favorite of yours (s)' : 'Make it a favorite (s)'}
      onClick={() => mark.mutate({dag, favorite: !shown})}
    >
      <StarIcon filled={shown} />
    </button>
  );
}
