// What administrators keep: pools, variables, connections; and the audit log.
import {queryString, kPage, bulkResult, type Http} from './http';
import {segment} from './paths';
import type {AuditEntry, Connection, Pool, Variable} from './types';

export interface PoolRequest {
  name: string;
  slots: number;
  description: string;
}

export const recordRoutes = (http: Http) => ({
  pools(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({pool_name_pattern: search, limit: kPage, offset});
    return http.get<{pools: Pool[]; total_entries: number}>(`/api/v2/pools${query}`, signal);
  },

  createPool(pool: PoolRequest) {
    return http.send('POST', '/api/v2/pools', pool) as Promise<Pool>;
  },

  changePool({name, slots, description}: PoolRequest) {
    const mask = name === 'default_pool' ? ['slots'] : ['slots', 'description'];
    const path = `/api/v2/pools/${segment(name)}${queryString({update_mask: mask})}`;
    return http.send('PATCH', path, {name, slots, description}) as Promise<Pool>;
  },

  deletePool(name: string) {
    return http.send('DELETE', `/api/v2/pools/${segment(name)}`);
  },

  variables(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({variable_key_pattern: search, limit: kPage, offset});
    return http.get<{variables: Variable[]; total_entries: number}>(`/api/v2/variables${query}`, signal);
  },

  saveVariable(variable: Variable, isNew: boolean) {
    const path = isNew ? '/api/v2/variables' : `/api/v2/variables/${segment(variable.key)}`;
    return http.send(isNew ? 'POST' : 'PATCH', path, variable) as Promise<Variable>;
  },

  deleteVariable(key: string) {
    return http.send('DELETE', `/api/v2/variables/${segment(key)}`);
  },

  connections(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({connection_id_pattern: search, limit: kPage, offset});
    return http.get<{connections: Connection[]; total_entries: number}>(`/api/v2/connections${query}`, signal);
  },

  saveConnection(connection: Partial<Connection> & {connection_id: string}, isNew: boolean) {
    const path = isNew ? '/api/v2/connections' : `/api/v2/connections/${segment(connection.connection_id)}`;
    return http.send(isNew ? 'POST' : 'PATCH', path, connection) as Promise<Connection>;
  },

  // A worker tries it; what is not given is as it is kept.
  testConnection(connection: Partial<Connection> & {connection_id: string}) {
    return http.send('POST', '/api/v2/connections/test', connection) as Promise<{status: boolean; message: string}>;
  },

  deleteConnection(id: string) {
    return http.send('DELETE', `/api/v2/connections/${segment(id)}`);
  },

  // Airflow's bulk request with one action: all of the names or none. One that somebody else deleted is no problem.
  async deleteMany(resource: 'pools' | 'variables' | 'connections', names: string[]) {
    const actions = [{action: 'delete', entities: names, action_on_non_existence: 'skip'}];
    return bulkResult(await http.send('PATCH', `/api/v2/${resource}`, {actions}), 'delete');
  },

  audit(filter: {owner: string; event: string; dag_id: string; offset: number}, signal?: AbortSignal) {
    const query = queryString({...filter, limit: kPage, order_by: '-when'});
    return http.get<{event_logs: AuditEntry[]; total_entries: number}>(`/api/v2/eventLogs${query}`, signal);
  },
});
