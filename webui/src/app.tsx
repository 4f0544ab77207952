// Which page is shown: the login without a token, else what the address names.
import {useEffect, useSyncExternalStore} from 'react';
import {QueryClientProvider} from '@tanstack/react-query';
import {queryClient} from './api/queries';
import {currentToken, onSessionChange} from './api/session';
import {Empty} from './components/notice';
import {Shell} from './components/shell';
import {DagListPage} from './pages/dag_list';
import {DagPage} from './pages/dag';
import {LoginPage} from './pages/login';
import {TaskInstancePage} from './pages/task_instance';
import {Link, parseRoute, usePath} from './router';

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
    document.title =
      route.page === 'dag'
        ? `${route.dag} · Millrace`
        : route.page === 'task'
          ? `${route.task} · ${route.dag} · Millrace`
          : 'Millrace';
  });
  switch (route.page) {
    case 'dags':
      return <DagListPage />;
    case 'dag':
      return <DagPage key={route.dag} dag={route.dag} />;
    case 'task':
      return <TaskInstancePage key={`${route.dag}\n${route.run}\n${route.task}`} {...route} />;
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
