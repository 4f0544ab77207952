import {StrictMode} from 'react';
import {createRoot} from 'react-dom/client';
import {App} from './app';
import './theme';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/dag_list.css';
import './styles/dag.css';
import './styles/graph.css';
import './styles/task.css';
import './styles/log.css';
import './styles/lists.css';
import './styles/calendar.css';
import './styles/checks.css';
import './styles/durations.css';
import './styles/activity.css';
import './styles/dependencies.css';
import './styles/code.css';

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
