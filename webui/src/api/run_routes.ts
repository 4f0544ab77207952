// Runs: started, listed, changed by the many, and drawn with their tasks.
import {bulkResult, kPage, queryString, type Http} from './http';
import {clearBody, type HowCleared} from './instance_routes';
import {dagPath, runPath, segment} from './paths';
import type {AssetEvent, DagRun, Grid, TaskInstance} from './types';

export interface Trigger {
  logical_date: string | null;
  conf: Record<string, unknown>;
  dag_run_id?: string;
  note?: string;
  partition_key?: string;
}

// Which runs are listed; what is not named is not asked.
export interface RunFilter {
  state?: string;
  run_type?: string;
  run_id_pattern?: string;
  logical_date_gte?: string;
  logical_date_lt?: string;
  run_after_gte?: string;
  run_after_lt?: string;
}

type RunName = Pick<DagRun, 'dag_id' | 'dag_run_id'>;
const runName = ({dag_id, dag_run_id}: RunName) => ({dag_id, dag_run_id});

export const runRoutes = (http: Http) => ({
  run(dag: string, run: string, signal?: AbortSignal) {
    return http.get<DagRun>(runPath(dag, run), signal);
  },

  // '~' means of every DAG; the newest first.
  runList(dag: string, filter: RunFilter, offset: number, signal?: AbortSignal) {
    const path = dag === '~' ? '/api/v2/dags/~' : dagPath(dag);
    const query = queryString({...filter, limit: kPage, offset, order_by: '-run_after'});
    return http.get<{dag_runs: DagRun[]; total_entries: number}>(`${path}/dagRuns${query}`, signal);
  },

  // The newest runs of each, as much of them as a list of DAGs shows.
  recentRuns(dags: string[], signal?: AbortSignal) {
    return http.get<{dag_runs: DagRun[]}>(`/millrace/v1/recent_runs${queryString({dag_id: dags})}`, signal);
  },

  grid(dag: string, limit: number, signal?: AbortSignal) {
    return http.get<Grid>(`/millrace/v1/dags/${segment(dag)}/grid${queryString({limit})}`, signal);
  },

  trigger(dag: string, trigger: Trigger) {
    return http.send('POST', `${dagPath(dag)}/dagRuns`, trigger) as Promise<DagRun>;
  },

  noteRun(dag: string, run: string, note: string) {
    return http.send('PATCH', runPath(dag, run), {note}) as Promise<DagRun>;
  },

  clearRuns(runs: readonly RunName[], how: HowCleared, dryRun: boolean) {
    return http.send('POST', '/api/v2/dags/~/clearDagRuns', {
      dag_runs: runs.map(runName),
      ...clearBody(how, dryRun),
    }) as Promise<{task_instances?: TaskInstance[]; dag_runs?: DagRun[]}>;
  },

  // state null deletes them; Airflow has no word for "cancelled": a running one that is marked failed is. Each by itself: what
  // is refused is told, the others are done.
  async changeRuns(runs: readonly RunName[], state: 'success' | 'failed' | null) {
    const action = state === null ? 'delete' : 'update';
    const entities = runs.map((run) => ({...runName(run), ...(state === null ? {} : {state})}));
    const actions = [{action, entities, action_on_non_existence: 'skip'}];
    return bulkResult(await http.send('PATCH', '/api/v2/dags/~/dagRuns', {actions}), action);
  },

  // Updates that made a run start.
  upstreamEvents(dag: string, run: string, signal?: AbortSignal) {
    return http.get<{asset_events: AssetEvent[]}>(`${runPath(dag, run)}/upstreamAssetEvents`, signal);
  },
});
