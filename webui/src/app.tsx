// Which page is shown: the login without a token, else what the address names.
import {useEffect, useSyncExternalStore} from 'react';
import {QueryClientProvider} from '@tanstack/react-query';
import {queryClient} from './api/queries';
import {currentToken, onSessionChange} from './api/session';
import {Empty} from './components/notice';
import {Shell} from './components/shell';
import {ActivityPage} from './pages/activity';
import {ApprovalsPage} from './pages/approvals';
import {AssetGraphPage} from './pages/asset_graph';
import {AssetPage} from './pages/asset';
import {AssetsPage} from './pages/assets';
import {AuditPage} from './pages/audit';
import {BackfillsPage} from './pages/backfills';
import {ConnectionsPage} from './pages/connections';
import {DagListPage} from './pages/dag_list';
import {DagPage} from './pages/dag';
import {LoginPage} from './pages/login';
import {PoolsPage} from './pages/pools';
import {RunsPage} from './pages/runs';
import {TaskInstancePage} from './pages/task_instance';
import {TimelinePage} from './pages/timeline';
import {UsersPage} from './pages/users';
import {VariablesPage} from './pages/variables';
import {WorkersPage} from './pages/workers';
import {Link, parseRoute, usePath, type Route} from './router';

export function App() {
  const token = useSyncExternalStore(onSessionChange, currentToken);
  useEffect(() => {
    if (token === null) queryClient.clear();
  }, [token]);
  if (token === null) return <LoginPage />;
  return (
    <QueryClientProvider client={queryClient}>
      <Page />
    </QueryClientProvider>
  );
}

function Page() {
  const route = parseRoute(usePath());
  useEffect(() => {
    document.title = titleOf(route);
  });
  switch (route.page) {
    case 'dags':
      return <DagListPage />;
    case 'dag':
      return <DagPage key={route.dag} dag={route.dag} tab={route.tab} />;
    case 'task':
      return <TaskInstancePage key={`${route.dag}\n${route.run}\n${route.task}`} {...route} />;
    case 'runs':
      return <RunsPage />;
    case 'backfills':
      return <BackfillsPage />;
    case 'approvals':
      return <ApprovalsPage />;
    case 'assets':
      return <AssetsPage />;
    case 'asset':
      return <AssetPage key={route.asset} asset={route.asset} />;
    case 'assetGraph':
      return <AssetGraphPage />;
    case 'pools':
      return <PoolsPage />;
    case 'variables':
      return <VariablesPage />;
    case 'connections':
      return <ConnectionsPage />;
    case 'users':
      return <UsersPage />;
    case 'audit':
      return <AuditPage />;
    case 'workers':
      return <WorkersPage />;
    case 'activity':
      return <ActivityPage />;
    case 'timeline':
      return <TimelinePage />;
    case 'unknown':
      return (
        <Shell crumbs={[{text: 'Not found'}]}>
          <Empty title="There is no such page">
            <Link href="/">All DAGs</Link>
          </Empty>
        </Shell>
      );
  }
}

const kTitles: Partial<Record<Route['page'], string>> = {
  runs: 'Runs',
  backfills: 'Backfills',
  approvals: 'Approvals',
  assets: 'Assets',
  asset: 'Asset',
  assetGraph: 'Graph of all assets',
  pools: 'Pools',
  workers: 'Workers',
  activity: 'Activity',
  timeline: 'Timeline',
  variables: 'Variables',
  connections: 'Connections',
  users: 'Users',
  audit: 'Audit',
};

function titleOf(route: Route): string {
  if (route.page === 'dag') return `${route.dag} · Millrace`;
  if (route.page === 'task') return `${route.task} · ${route.dag} · Millrace`;
  const title = kTitles[route.page];
  return title === undefined ? 'Millrace' : `${title} · Millrace`;
}
