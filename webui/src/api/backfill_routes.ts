// Backfills, with their dry run.
import {queryString, kPage, type Http} from './http';
import type {Backfill, Reprocess} from './types';

export interface BackfillRequest {
  dag_id: string;
  from_date: string;
  to_date: string;
  reprocess_behavior: Reprocess;
  max_active_runs: number;
  run_backwards: boolean;
  run_on_latest_version: boolean;
  include_downstream: boolean;
  dag_run_conf: Record<string, unknown>;
}

export const backfillRoutes = (http: Http) => ({
  // The newest first; dag '' means of every DAG.
  backfills(dag: string, signal?: AbortSignal) {
    const query = queryString({dag_id: dag, order_by: '-id', limit: kPage});
    return http.get<{backfills: Backfill[]; total_entries: number}>(`/millrace/v1/backfills${query}`, signal);
  },

  backfill(request: BackfillRequest, dryRun: boolean) {
    return http.send('POST', `/millrace/v1/backfills${dryRun ? '/dry_run' : ''}`, request) as Promise<{
      backfills: Backfill[];
      dates: string[];
    }>;
  },

  changeBackfill(id: number, action: 'pause' | 'unpause' | 'cancel') {
    return http.send('PUT', `/api/v2/backfills/${id}/${action}`);
  },
});
