// DAGs: their definition, schedule, versions and files.
import {queryString, kPage, type Http} from './http';
import {segment, dagPath} from './paths';
import type {Calendar, CheckHistory, Dag, DagDetails, DagVersion, Graph, ImportError, Task} from './types';

export interface DagFilter {
  search?: string;
  tags?: string[];
  paused?: boolean;
  favorite?: boolean;
  limit: number;
  offset: number;
}

export const dagRoutes = (http: Http) => ({
  dags(filter: DagFilter, signal?: AbortSignal) {
    const query = queryString({
      limit: filter.limit,
      offset: filter.offset,
      tags: filter.tags,
      paused: filter.paused,
      is_favorite: filter.favorite,
      dag_id_pattern: filter.search ? `%${filter.search}%` : undefined,
      order_by: 'dag_id',
    });
    return http.get<{dags: Dag[]; total_entries: number}>(`/api/v2/dags${query}`, signal);
  },

  dag(dag: string, signal?: AbortSignal) {
    return http.get<DagDetails>(`${dagPath(dag)}/details`, signal);
  },

  setPaused(dag: string, paused: boolean) {
    return http.send('PATCH', dagPath(dag), {is_paused: paused}) as Promise<Dag>;
  },

  // Of a task group: all of its tasks.
  setTaskPaused(dag: string, task: string, paused: boolean) {
    const path = `/millrace/v1/dags/${segment(dag)}/tasks/${segment(task)}`;
    return http.send('PATCH', path, {is_paused: paused}) as Promise<{tasks: Task[]}>;
  },

  setFavorite(dag: string, favorite: boolean) {
    return http.send('POST', `${dagPath(dag)}/${favorite ? 'favorite' : 'unfavorite'}`);
  },

  tasks(dag: string, signal?: AbortSignal) {
    return http.get<{tasks: Task[]; total_entries: number}>(`${dagPath(dag)}/tasks`, signal);
  },

  graph(dag: string, signal?: AbortSignal) {
    return http.get<Graph>(`/millrace/v1/dags/${segment(dag)}/graph`, signal);
  },

  // Days from `from` up to and without `to`, which are times.
  calendar(dag: string, from: string, to: string, timezone: string, signal?: AbortSignal) {
    const query = queryString({from, to, timezone});
    return http.get<Calendar>(`/millrace/v1/dags/${segment(dag)}/calendar${query}`, signal);
  },

  checks(dag: string, limit: number, signal?: AbortSignal) {
    return http.get<CheckHistory>(`/millrace/v1/dags/${segment(dag)}/checks${queryString({limit})}`, signal);
  },

  async versions(dag: string, signal?: AbortSignal): Promise<DagVersion[]> {
    const path = `${dagPath(dag)}/dagVersions`;
    type Page = {dag_versions: DagVersion[]; total_entries: number};
    const first = await http.get<Page>(`${path}${queryString({limit: kPage})}`, signal);
    if (first.total_entries <= kPage) return first.dag_versions.reverse();
    // Oldest first on the wire: of many, the newest are worth showing.
    const offset = first.total_entries - kPage;
    return (await http.get<Page>(`${path}${queryString({limit: kPage, offset})}`, signal)).dag_versions.reverse();
  },

  async source(dag: string, version: number | null, signal?: AbortSignal): Promise<string> {
    const query = queryString({version_number: version});
    return (await http.get<{content: string}>(`/api/v2/dagSources/${segment(dag)}${query}`, signal)).content;
  },

  importErrors(signal?: AbortSignal) {
    return http.get<{import_errors: ImportError[]; total_entries: number}>('/api/v2/importErrors?limit=100', signal);
  },
});
