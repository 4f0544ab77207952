// Runs the live stream of the page that is open: shows transitions at once, and at most once a second marks what they
// touched as stale, so that a burst of events never becomes a burst of requests.
import {useEffect} from 'react';
import type {InfiniteData} from '@tanstack/react-query';
import {Coalescer} from './coalescer';
import {LiveStream} from './live_stream';
import {patchGrid, patchInstances, patchRun, patchTimes} from './patch';
import {recentTransitions, transitionKey} from './recent';
import {setLiveStatus} from './status';
import {queryClient} from '../api/queries';
import {currentToken, signOut} from '../api/session';
import type {DagRun, Grid, TaskInstance, Transition} from '../api/types';

const kShowInterval = 200;
const kRefreshInterval = 1000;
// A grid is large and its transitions were shown already: it is compared with the server's truth less often.
const kReconcileInterval = 5000;
// Sooner where it has counts of mapped instances, which transitions do not show.
const kCountInterval = 1500;
const kHiddenGrace = 5000;

export function useLive(dag: string | null): void {
  useEffect(() => {
    const show = new Coalescer<Transition>(kShowInterval, showTransitions);
    const refresh = new Coalescer<Transition>(kRefreshInterval, refreshTouched);
    const reconcile = new Coalescer<string>(kReconcileInterval, (dags) => {
      for (const one of dags) void queryClient.invalidateQueries({queryKey: ['grid', one]});
    });
    // A list of runs may have been read to its hundredth page.
    const relist = new Coalescer<string>(kReconcileInterval, () => {
      for (const key of ['runs', 'runList', 'dayRuns', 'calendar', 'activity', 'timeline', 'dependencies'])
        void queryClient.invalidateQueries({queryKey: [key]});
    });
    const count = new Coalescer<string>(kCountInterval, (dags) => {
      for (const one of dags) void queryClient.invalidateQueries({queryKey: ['grid', one]});
    });
    // Which new instances a task has is known only from the server.
    const recount = new Coalescer<unknown[]>(kReconcileInterval, (keys) => {
      for (const queryKey of keys) void queryClient.invalidateQueries({queryKey});
    });
    const open = () => {
      let first = true;
      const stream = new LiveStream({
        path: dag === null ? '/millrace/v1/events' : `/millrace/v1/events?dag_id=${encodeURIComponent(dag)}`,
        token: currentToken,
        onTransition: (transition) => {
          const {dag_id, dag_run_id, task_id, map_index} = transition;
          const key = transitionKey(transition);
          recentTransitions.add(transition);
          show.add(key, transition);
          refresh.add(key, transition);
          reconcile.add(dag_id, dag_id);
          if (task_id === null) relist.add('', '');
          if ((map_index ?? -1) >= 0) {
            count.add(dag_id, dag_id);
            recount.add(`${dag_run_id}\n${task_id}`, ['instances', dag_id, dag_run_id, task_id]);
          }
        },
        onStatus: (live) => {
          setLiveStatus(live ? 'live' : 'polling');
          if (live && first) refreshMoving();
          first = first && !live;
        },
        onGap: () => {
          recentTransitions.clear();
          void queryClient.invalidateQueries();
        },
        onUnauthorized: signOut,
      });
      void stream.run();
      return stream;
    };
    // A browser opens six connections to a server and no more. A tab that nobody sees gives its one back, or six tabs would
    // leave none for requests.
    let stream: LiveStream | null = open();
    let grace: ReturnType<typeof setTimeout> | undefined;
    const seenOrHidden = () => {
      clearTimeout(grace);
      if (document.hidden) {
        grace = setTimeout(() => {
          stream?.stop();
          stream = null;
          recentTransitions.clear();
        }, kHiddenGrace);
      } else if (stream === null) {
        setLiveStatus('connecting');
        stream = open();
        void queryClient.invalidateQueries();
      }
    };
    document.addEventListener('visibilitychange', seenOrHidden);
    return () => {
      document.removeEventListener('visibilitychange', seenOrHidden);
      clearTimeout(grace);
      stream?.stop();
      show.stop();
      refresh.stop();
      reconcile.stop();
      relist.stop();
      count.stop();
      recount.stop();
    };
  }, [dag]);
}

function showTransitions(changes: Transition[]): void {
  for (const dag of new Set(changes.map((change) => change.dag_id))) {
    const own = changes.filter((change) => change.dag_id === dag);
    queryClient.setQueriesData<Grid>({queryKey: ['grid', dag]}, (grid) => grid && patchGrid(grid, own));
  }
  queryClient.setQueriesData<{dag_runs: DagRun[]}>(
    {queryKey: ['runs']},
    (data) =>
      data && {
        ...data,
        dag_runs: data.dag_runs.map((run) =>
          changes.filter((change) => change.dag_id === run.dag_id).reduce(patchRun, run),
        ),
      },
  );
  const ofRuns = changes.filter((change) => change.task_id === null);
  if (ofRuns.length > 0) {
    type Pages = InfiniteData<{rows: DagRun[]; total: number}>;
    queryClient.setQueriesData<Pages>(
      {queryKey: ['runList']},
      (data) =>
        data && {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            rows: page.rows.map((run) => ofRuns.filter((change) => change.dag_id === run.dag_id).reduce(patchRun, run)),
          })),
        },
    );
  }
  const mapped = new Map<string, Transition[]>();
  for (const change of changes) {
    const {dag_id, dag_run_id, task_id, map_index} = change;
    if (task_id === null) {
      queryClient.setQueryData<DagRun>(['run', dag_id, dag_run_id], (run) => run && patchRun(run, change));
    } else {
      queryClient.setQueryData<TaskInstance>(
        ['taskInstance', dag_id, dag_run_id, task_id, map_index ?? -1],
        (instance) => instance && patchTimes(instance, change),
      );
      if ((map_index ?? -1) < 0) continue;
      const key = `${dag_id}\n${dag_run_id}\n${task_id}`;
      mapped.set(key, [...(mapped.get(key) ?? []), change]);
    }
  }
  for (const [key, own] of mapped) {
    queryClient.setQueryData<TaskInstance[]>(
      ['instances', ...key.split('\n')],
      (list) => list && patchInstances(list, own),
    );
  }
}

// Only queries that a page shows are fetched again (TanStack's rule for stale queries), each once a batch.
function refreshTouched(changes: Transition[]): void {
  const stale = new Map<string, unknown[]>();
  const mark = (...key: unknown[]) => stale.set(key.join('\n'), key);
  for (const {dag_id, dag_run_id, task_id, map_index} of changes) {
    if (task_id === null && !listsRun(dag_id, dag_run_id)) mark('runs');
    if (task_id === null && !knowsRun(dag_id, dag_run_id)) mark('grid', dag_id);
    mark('run', dag_id, dag_run_id);
    if (task_id === null) continue;
    for (const resource of ['taskInstance', 'tries', 'why', 'job', 'xcoms', 'approval'])
      mark(resource, dag_id, dag_run_id, task_id, map_index ?? -1);
  }
  for (const queryKey of stale.values()) void queryClient.invalidateQueries({queryKey});
}

const kMoving: readonly unknown[] = ['runs', 'run', 'taskInstance', 'instances', 'tries'];

// What the page asked for before the stream began may have changed in between, if it was going on at all.
function refreshMoving(): void {
  const moving = (run: DagRun | undefined) => run?.state === 'running' || run?.state === 'queued';
  void queryClient.invalidateQueries({
    predicate: ({queryKey, state}) => {
      if (state.data === undefined) return false;
      if (queryKey[0] === 'grid') return (state.data as Grid).runs.some(moving);
      return kMoving.includes(queryKey[0]);
    },
  });
  // An answer that is still on its way may have been made before the stream began: it is asked for again when it is there.
  const first = queryClient
    .getQueryCache()
    .findAll({fetchStatus: 'fetching', predicate: ({state}) => state.data === undefined});
  for (const {queryKey, promise} of first) {
    if (queryKey[0] !== 'grid' && !kMoving.includes(queryKey[0])) continue;
    const again = () => void queryClient.invalidateQueries({queryKey, exact: true});
    promise?.then(again, () => undefined);
  }
}

function knowsRun(dag: string, run: string): boolean {
  return queryClient
    .getQueriesData<Grid>({queryKey: ['grid', dag]})
    .every(([, grid]) => grid?.runs.some((one) => one.dag_run_id === run) ?? true);
}

// Whether a list of DAGs that is open has the run, or not its DAG.
function listsRun(dag: string, run: string): boolean {
  return queryClient.getQueriesData<{dag_runs: DagRun[]}>({queryKey: ['runs'], type: 'active'}).every(([key, data]) => {
    const dags = key[1];
    return !Array.isArray(dags) || !dags.includes(dag) || data?.dag_runs.some((one) => one.dag_run_id === run);
  });
}
