// Where things are on the server, as their ids name them.
import type {InstanceKey} from './types';

// Escapes what a path segment needs escaped and leaves ':' and '+' of run ids readable.
export function segment(id: string): string {
  return encodeURIComponent(id).replaceAll('%3A', ':');
}

export const dagPath = (dag: string) => `/api/v2/dags/${segment(dag)}`;
export const runPath = (dag: string, run: string) => `${dagPath(dag)}/dagRuns/${segment(run)}`;
export const taskPath = ({dag, run, task}: InstanceKey) => `${runPath(dag, run)}/taskInstances/${segment(task)}`;
// With the map index in the path, where Airflow wants it there.
export const instancePath = (key: InstanceKey) => (key.map < 0 ? taskPath(key) : `${taskPath(key)}/${key.map}`);
// All tasks of a group.
export const groupPath = ({dag, run, task}: Omit<InstanceKey, 'map'>) =>
  `${runPath(dag, run)}/taskGroupInstances/${segment(task)}`;
export const mapQuery = ({map}: InstanceKey) => ({map_index: map < 0 ? null : map});
