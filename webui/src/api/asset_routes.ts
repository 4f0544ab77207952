// Assets and their updates.
import {queryString, kPage, type Http} from './http';
import type {Dependencies} from './dependency_types';
import type {Asset, AssetEvent, DagRun, StateEntry} from './types';

export const assetRoutes = (http: Http) => ({
  assets(search: string, offset: number, signal?: AbortSignal) {
    const query = queryString({name_pattern: search, limit: kPage, offset, order_by: 'name'});
    return http.get<{assets: Asset[]; total_entries: number}>(`/api/v2/assets${query}`, signal);
  },

  asset(id: number, signal?: AbortSignal) {
    return http.get<Asset>(`/api/v2/assets/${id}`, signal);
  },

  assetEvents(id: number, signal?: AbortSignal) {
    const query = queryString({asset_id: id, order_by: '-timestamp', limit: 50});
    return http.get<{asset_events: AssetEvent[]; total_entries: number}>(`/api/v2/assets/events${query}`, signal);
  },

  async assetState(id: number, signal?: AbortSignal): Promise<StateEntry[]> {
    const query = queryString({limit: kPage});
    return (await http.get<{asset_state_store: StateEntry[]}>(`/api/v2/assets/${id}/state-store${query}`, signal))
      .asset_state_store;
  },

  // Of everything that has to do with each other.
  dependencies(signal?: AbortSignal) {
    return http.get<Dependencies>('/millrace/v1/dependencies', signal);
  },

  // `partition`: of the part of it that was updated; '' when it is all of it.
  updateAsset(id: number, extra: Record<string, unknown>, partition: string) {
    const part = partition === '' ? {} : {partition_key: partition};
    return http.send('POST', '/api/v2/assets/events', {asset_id: id, extra, ...part}) as Promise<AssetEvent>;
  },

  materialize(id: number) {
    return http.send('POST', `/api/v2/assets/${id}/materialize`, {}) as Promise<DagRun>;
  },
});
