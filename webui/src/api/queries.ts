// What the pages ask the server for, as TanStack queries. Keys begin with the resource, then the DAG, run and task, so that
// one live transition can name exactly what it made stale.
import {
  keepPreviousData,
  QueryClient,
  useInfiniteQuery,
  useQueries,
  useQuery,
  type InfiniteData,
} from '@tanstack/react-query';
import {makeClient} from './client';
import {ApiError} from './http';
import type {RunFilter} from './run_routes';
import {currentToken, signOut} from './session';
import {addDays} from '../format/calendar';
import {dayStart, zoneName, type Zone} from '../format/time';
import {patchGrid} from '../live/patch';
import {recentTransitions} from '../live/recent';
import {pollInterval, useLiveStatus} from '../live/status';
import type {
  AuditEntry,
  Asset,
  Connection,
  Dag,
  DagRun,
  InstanceKey,
  Pool,
  Right,
  TaskInstance,
  Variable,
} from './types';

export const client = makeClient({token: currentToken, onUnauthorized: signOut});

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      retryDelay: 500,
    },
  },
});

export const kPageSize = 100;

export interface ListFilter {
  search: string;
  tags: string[];
  paused?: boolean;
  favorite?: boolean;
}

interface Rows<T> {
  rows: T[];
  total: number;
}

// A list by pages. Rows may shift while it is paged through: what comes twice is shown once.
function usePages<T>(
  queryKey: unknown[],
  page: (offset: number, signal: AbortSignal) => Promise<Rows<T>>,
  idOf: (row: T) => string,
  refetchInterval: number | false,
) {
  return useInfiniteQuery({
    queryKey,
    queryFn: ({pageParam, signal}) => page(pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const loaded = pages.reduce((sum, one) => sum + one.rows.length, 0);
      return last.rows.length > 0 && loaded < last.total ? loaded : undefined;
    },
    select: (data: InfiniteData<Rows<T>>): Rows<T> => {
      const seen = new Set<string>();
      const rows = data.pages.flatMap((one) => one.rows).filter((row) => !seen.has(idOf(row)) && seen.add(idOf(row)));
      return {rows, total: data.pages.at(-1)?.total ?? 0};
    },
    placeholderData: keepPreviousData,
    refetchInterval,
  });
}

export type Paged<T> = ReturnType<typeof usePages<T>>;

export function useDags(filter: ListFilter): Paged<Dag> {
  return usePages(
    ['dags', filter],
    async (offset, signal) => {
      const {dags, total_entries} = await client.dags({...filter, limit: kPageSize, offset}, signal);
      return {rows: dags, total: total_entries};
    },
    (dag) => dag.dag_id,
    pollInterval(useLiveStatus(), 5000),
  );
}

// Runs of every DAG ('~') or of one, the newest first.
export function useRunList(dag: string, filter: RunFilter): Paged<DagRun> {
  return usePages(
    ['runList', dag, filter],
    async (offset, signal) => {
      const {dag_runs, total_entries} = await client.runList(dag, filter, offset, signal);
      return {rows: dag_runs, total: total_entries};
    },
    (run) => `${run.dag_id}\n${run.dag_run_id}`,
    pollInterval(useLiveStatus(), 5000),
  );
}

// The last runs of the DAGs that are in view, with one request.
export function useRecentRuns(dagIds: string[]): Map<string, DagRun[]> {
  const answer = useQuery({
    queryKey: ['runs', dagIds],
    queryFn: ({signal}) => client.recentRuns(dagIds, signal),
    enabled: dagIds.length > 0,
    // While others come into view, those that were there stay.
    placeholderData: keepPreviousData,
    refetchInterval: pollInterval(useLiveStatus(), 3000),
  });
  const byDag = new Map<string, DagRun[]>();
  for (const run of answer.data?.dag_runs ?? []) {
    const list = byDag.get(run.dag_id);
    if (list) list.push(run);
    else byDag.set(run.dag_id, [run]);
  }
  return byDag;
}

export function useImportErrors() {
  return useQuery({
    queryKey: ['importErrors'],
    queryFn: ({signal}) => client.importErrors(signal),
    refetchInterval: 10000,
  });
}

export function useWorkers() {
  return useQuery({queryKey: ['workers'], queryFn: ({signal}) => client.workers(signal), refetchInterval: 10000});
}

const kHour = 3_600_000;
const iso = (time: number) => new Date(time).toISOString();

// Of the last hours.
export function useActivity(hours: number, parts: number) {
  return useQuery({
    queryKey: ['activity', hours, parts],
    queryFn: ({signal}) => {
      const now = Date.now();
      return client.activity(iso(now - hours * kHour), iso(now), parts, signal);
    },
    placeholderData: keepPreviousData,
    refetchInterval: 10000,
  });
}

// until null: now, and on with the clock.
export function useTimeline(hours: number, until: number | null) {
  return useQuery({
    queryKey: ['timeline', hours, until],
    queryFn: ({signal}) => {
      const to = until ?? Date.now();
      return client.timeline(iso(to - hours * kHour), iso(to), signal);
    },
    placeholderData: keepPreviousData,
    refetchInterval: until === null ? 5000 : 30000,
  });
}

export function useDag(dag: string) {
  return useQuery({queryKey: ['dag', dag], queryFn: ({signal}) => client.dag(dag, signal), refetchInterval: 15000});
}

export function useTasks(dag: string) {
  return useQuery({queryKey: ['tasks', dag], queryFn: ({signal}) => client.tasks(dag, signal), staleTime: 30000});
}

export function useGrid(dag: string, limit: number) {
  return useQuery({
    queryKey: ['grid', dag, limit],
    queryFn: async ({signal}) => patchGrid(await client.grid(dag, limit, signal), recentTransitions.of(dag)),
    placeholderData: keepPreviousData,
    // Comparing 25,000 cells with the last 25,000 costs more than drawing the few that changed (live/cells.ts does that).
    structuralSharing: false,
    refetchInterval: pollInterval(useLiveStatus(), 2000),
  });
}

export function useRun(dag: string, run: string | null) {
  return useQuery({
    queryKey: ['run', dag, run],
    queryFn: ({signal}) => client.run(dag, run ?? '', signal),
    enabled: run !== null,
    refetchInterval: pollInterval(useLiveStatus(), 3000),
  });
}

export function useGraph(dag: string) {
  return useQuery({queryKey: ['graph', dag], queryFn: ({signal}) => client.graph(dag, signal), staleTime: 30000});
}

const keyOf = (resource: string, {dag, run, task, map}: InstanceKey) => [resource, dag, run, task, map];

export function useChecks(dag: string, limit: number) {
  return useQuery({
    queryKey: ['checks', dag, limit],
    queryFn: ({signal}) => client.checks(dag, limit, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 15000,
  });
}

// Dates from `first` up to and without `end`.
export function useCalendar(dag: string, first: string, end: string, zone: Zone) {
  return useQuery({
    queryKey: ['calendar', dag, first, end, zone],
    queryFn: ({signal}) => client.calendar(dag, dayStart(first, zone), dayStart(end, zone), zoneName(zone), signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30000,
  });
}

// The runs of a day, by their date: the logical one, or when a run without one was to start.
export function useDayRuns(dag: string, date: string, zone: Zone, wanted: boolean) {
  const [from, to] = [dayStart(date, zone), dayStart(addDays(date, 1), zone)];
  return useQuery({
    queryKey: ['dayRuns', dag, from],
    queryFn: async ({signal}) => {
      const [dated, undated] = await Promise.all([
        client.runList(dag, {logical_date_gte: from, logical_date_lt: to}, 0, signal),
        client.runList(dag, {run_type: 'manual', run_after_gte: from, run_after_lt: to}, 0, signal),
      ]);
      const without = undated.dag_runs.filter((run) => !run.logical_date);
      const time = (run: DagRun) => run.logical_date ?? run.run_after ?? '';
      return [...dated.dag_runs, ...without].sort((a, b) => Date.parse(time(a)) - Date.parse(time(b)));
    },
    enabled: wanted,
    refetchInterval: pollInterval(useLiveStatus(), 5000),
  });
}

export function useTaskInstance(key: InstanceKey, wanted = true) {
  return useQuery({
    queryKey: keyOf('taskInstance', key),
    queryFn: ({signal}) => client.taskInstance(key, signal),
    enabled: wanted,
    refetchInterval: pollInterval(useLiveStatus(), 2000),
  });
}

function mappedQuery(dag: string, run: string, task: string, refetchInterval: number) {
  return {
    queryKey: ['instances', dag, run, task],
    queryFn: ({signal}: {signal: AbortSignal}) => client.mappedInstances({dag, run, task, map: -1}, signal),
    refetchInterval,
  };
}

export function useMapped(dag: string, run: string | null, task: string, wanted: boolean) {
  const refetchInterval = pollInterval(useLiveStatus(), 5000);
  return useQuery({...mappedQuery(dag, run ?? '', task, refetchInterval), enabled: wanted && run !== null});
}

// The instances of several mapped tasks of one run, by task.
export function useInstances(dag: string, run: string | null, tasks: string[]): Map<string, TaskInstance[]> {
  const refetchInterval = pollInterval(useLiveStatus(), 5000);
  const answers = useQueries({
    queries: tasks.map((task) => ({...mappedQuery(dag, run ?? '', task, refetchInterval), enabled: run !== null})),
  });
  return new Map(tasks.map((task, i) => [task, answers[i]?.data ?? []]));
}

export function useTries(key: InstanceKey, wanted = true) {
  return useQuery({
    queryKey: keyOf('tries', key),
    queryFn: ({signal}) => client.tries(key, signal),
    enabled: wanted,
    refetchInterval: pollInterval(useLiveStatus(), 3000),
  });
}

export function useXComs(key: InstanceKey, wanted: boolean) {
  return useQuery({queryKey: keyOf('xcoms', key), queryFn: ({signal}) => client.xcoms(key, signal), enabled: wanted});
}

// It changes while the task runs, and no event tells of it.
export function useTaskState(key: InstanceKey) {
  return useQuery({
    queryKey: keyOf('state', key),
    queryFn: ({signal}) => client.taskState(key, signal),
    refetchInterval: 3000,
  });
}

export function useAssetState(id: number) {
  return useQuery({
    queryKey: ['assetState', id],
    queryFn: ({signal}) => client.assetState(id, signal),
    refetchInterval: 5000,
  });
}

export function useWhy(key: InstanceKey, waiting: boolean) {
  return useQuery({
    queryKey: keyOf('why', key),
    queryFn: ({signal}) => client.why(key, signal),
    enabled: waiting,
    // A run that is over has no answer any more (404): no use asking again.
    refetchInterval: (query) => (query.state.error ? false : 3000),
  });
}

export function useJob(key: InstanceKey, active: boolean, wanted: boolean) {
  return useQuery({
    queryKey: keyOf('job', key),
    queryFn: ({signal}) => client.job(key, signal),
    enabled: wanted,
    retry: false,
    refetchInterval: active ? 1500 : false,
  });
}

export function useBackfills(dag: string) {
  return useQuery({
    queryKey: ['backfills', dag],
    queryFn: ({signal}) => client.backfills(dag, signal),
    // Progress is counted by the server; quickly while there is some.
    refetchInterval: (query) => (query.state.data?.backfills.some((one) => one.state === 'running') ? 1500 : 10000),
  });
}

export function usePools(search: string): Paged<Pool> {
  return usePages(
    ['pools', search],
    async (offset, signal) => {
      const {pools, total_entries} = await client.pools(search, offset, signal);
      return {rows: pools, total: total_entries};
    },
    (pool) => pool.name,
    3000,
  );
}

export function useAssets(search: string): Paged<Asset> {
  return usePages(
    ['assets', search],
    async (offset, signal) => {
      const {assets, total_entries} = await client.assets(search, offset, signal);
      return {rows: assets, total: total_entries};
    },
    (asset) => String(asset.id),
    5000,
  );
}

export function useAsset(id: number) {
  return useQuery({queryKey: ['asset', id], queryFn: ({signal}) => client.asset(id, signal), refetchInterval: 5000});
}

export function useAssetEvents(id: number) {
  return useQuery({
    queryKey: ['assetEvents', id],
    queryFn: ({signal}) => client.assetEvents(id, signal),
    refetchInterval: 5000,
  });
}

export function useUsers() {
  return useQuery({queryKey: ['users'], queryFn: ({signal}) => client.users(signal)});
}

// Also asked again as runs begin and end, where the stream tells.
export function useDependencies() {
  return useQuery({
    queryKey: ['dependencies'],
    queryFn: ({signal}) => client.dependencies(signal),
    refetchInterval: 10_000,
  });
}

export function useUpstreamEvents(dag: string, run: string, wanted: boolean) {
  return useQuery({
    queryKey: ['upstreamEvents', dag, run],
    queryFn: ({signal}) => client.upstreamEvents(dag, run, signal),
    enabled: wanted,
    staleTime: Infinity,
  });
}

export function useVersions(dag: string) {
  return useQuery({
    queryKey: ['versions', dag],
    queryFn: ({signal}) => client.versions(dag, signal),
    refetchInterval: 10000,
  });
}

// A version's text never changes.
export function useSource(dag: string, version: number | null) {
  return useQuery({
    queryKey: ['source', dag, version],
    queryFn: ({signal}) => client.source(dag, version, signal),
    enabled: version !== null,
    staleTime: Infinity,
  });
}

export function useApprovals(waiting: boolean) {
  return useQuery({
    queryKey: ['approvals', waiting],
    queryFn: ({signal}) => client.approvals(waiting, signal),
    refetchInterval: 5000,
    retry: false,
  });
}

export function useApproval(key: InstanceKey, wanted: boolean) {
  return useQuery({
    queryKey: keyOf('approval', key),
    queryFn: ({signal}) => client.approval(key, signal),
    enabled: wanted,
    retry: false,
    refetchInterval: 5000,
  });
}

export function useVariables(search: string): Paged<Variable> {
  return usePages(
    ['variables', search],
    async (offset, signal) => {
      const {variables, total_entries} = await client.variables(search, offset, signal);
      return {rows: variables, total: total_entries};
    },
    (variable) => variable.key,
    15000,
  );
}

export function useConnections(search: string): Paged<Connection> {
  return usePages(
    ['connections', search],
    async (offset, signal) => {
      const {connections, total_entries} = await client.connections(search, offset, signal);
      return {rows: connections, total: total_entries};
    },
    (connection) => connection.connection_id,
    15000,
  );
}

export function useAudit(owner: string, event: string, dag_id: string): Paged<AuditEntry> {
  return usePages(
    ['audit', owner, event, dag_id],
    async (offset, signal) => {
      const {event_logs, total_entries} = await client.audit({owner, event, dag_id, offset}, signal);
      return {rows: event_logs, total: total_entries};
    },
    (entry) => String(entry.event_log_id),
    10000,
  );
}

// What whoever is signed in may do; everything until it is known, since the scheduler decides in the end.
export function useCan(right: Right): boolean {
  const me = useQuery({queryKey: ['me'], queryFn: ({signal}) => client.me(signal), staleTime: 60000});
  return me.data?.can[right] ?? true;
}
