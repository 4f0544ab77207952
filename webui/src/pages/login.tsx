import {useState, type FormEvent} from 'react';
import {client} from '../api/queries';
import {signIn} from '../api/session';
import {ApiError} from '../api/http';
import {Mark} from '../components/icons';

export function LoginPage() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      signIn(await client.login(user, password), user);
    } catch (error) {
      const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      setProblem(refused ? 'This user name and password do not match.' : (error as Error).message);
      setBusy(false);
    }
  };

  return (
    <div className="login">
      <form className="login-card" onSubmit={(event) => void submit(event)}>
        <div className="login-brand">
          <Mark />
          <h1>Millrace</h1>
        </div>
        <label className="field">
          <span className="field-name">User name</span>
          <input
            autoFocus
            required
            name="username"
            autoComplete="username"
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
        </label>
        <label className="field">
          <span className="field-name">Password</span>
          <input
            required
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {problem && (
          <p className="field-problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="button button-primary button-wide" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </div>
  );
}
