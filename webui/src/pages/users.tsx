// Users: who may sign in, and as what.
import {useState, type ReactNode} from 'react';
import {client, useUsers} from '../api/queries';
import {currentUser} from '../api/session';
import {kRoles, type Role, type User} from '../api/user_routes';
import {AdminHead} from '../components/admin_head';
import {Dialog} from '../components/dialog';
import {EditIcon} from '../components/icons';
import {ErrorNotice, Skeleton} from '../components/notice';
import {RecordDialog, TextField} from '../components/record_dialog';
import {SearchBox} from '../components/search_box';
import {Shell} from '../components/shell';
import {passwordProblem} from '../format/password';
import {useLive} from '../live/use_live';
import {setSearchParams, useSearchParam} from '../router';
import {useShortcuts} from '../shortcuts';

// Is there from the first start, and stays as it is.
const kLasting = 'admin';

const kMeans: Record<Role, string> = {
  viewer: 'sees runs, logs and files, and changes nothing',
  user: 'also starts, clears and marks runs',
  op: 'also keeps pools, variables and connections',
  admin: 'also makes users and sees the audit log',
};

interface Told {
  name: string;
  password: string;
}

export function UsersPage() {
  useLive(null);
  const search = useSearchParam('search') ?? '';
  const query = useUsers();
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [told, setTold] = useState<Told | null>(null);
  useShortcuts({n: () => setEditing('new')});
  const users = (query.data ?? []).filter((user) => user.username.toLowerCase().includes(search.toLowerCase()));
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <AdminHead>
          <div className="page-actions">
            <SearchBox slash label="Search users" value={search} onChange={(text) => setSearchParams({search: text})} />
            <button
              type="button"
              className="button button-primary"
              title="New user (n)"
              onClick={() => setEditing('new')}
            >
              New user…
            </button>
          </div>
        </AdminHead>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={4} />}
        {users.length > 0 && <UserTable users={users} onChange={setEditing} />}
        {query.data && users.length === 0 && <p className="faint">No user matches</p>}
      </div>
      {editing !== null && (
        <UserDialog user={editing === 'new' ? null : editing} onTold={setTold} onClose={() => setEditing(null)} />
      )}
      {told !== null && <ToldDialog told={told} onClose={() => setTold(null)} />}
    </Shell>
  );
}

function UserTable({users, onChange}: {users: readonly User[]; onChange: (user: User) => void}) {
  return (
    <div className="card table-card">
      <table className="list-table">
        <thead>
          <tr>
            <th>User</th>
            <th>Role</th>
            <th>Who is one</th>
            <th>
              <span className="hidden">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.username} data-user={user.username}>
              <td className="strong">
                {user.username} {user.username === currentUser() && <span className="tag">you</span>}
              </td>
              <td>{user.role}</td>
              <td className="wide faint">{kMeans[user.role]}</td>
              <td className="right">
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Change ${user.username}`}
                  title="Change…"
                  onClick={() => onChange(user)}
                >
                  <EditIcon />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface UserDialogProps {
  user: User | null;
  onTold: (told: Told) => void;
  onClose: () => void;
}

function UserDialog({user, onTold, onClose}: UserDialogProps) {
  const [name, setName] = useState(user?.username ?? '');
  const [role, setRole] = useState<Role>(user?.role ?? 'viewer');
  const [password, setPassword] = useState('');
  const problem = passwordProblem(password);
  const given = password === '' ? {} : {password};
  const changed = user === null || role !== user.role || password !== '';
  const save = async () => {
    if (user !== null) {
      await client.changeUser(name, {...(role === user.role ? {} : {role}), ...given});
      return `${name} is ${role}${password === '' ? '' : ', with a new password'}`;
    }
    const made = await client.createUser({username: name.trim(), role, ...given});
    if (made.password !== undefined) onTold({name: made.username, password: made.password});
    return `${made.username} may sign in as ${made.role}`;
  };
  const remove = async () => {
    await client.deleteUser(name);
    return `${name} is deleted, and signed out wherever it was`;
  };
  const stays = name === kLasting || name === currentUser();
  return (
    <RecordDialog
      noun="user"
      resource="users"
      name={user?.username ?? null}
      valid={name.trim() !== '' && problem === null && changed}
      save={save}
      remove={stays ? null : remove}
      onClose={onClose}
    >
      {user === null && <TextField name="username" label="Name" focus value={name} onChange={setName} />}
      <RoleField role={role} onChoose={setRole} fixed={user?.username === kLasting} />
      <TextField
        name="password"
        label="Password"
        secret={{placeholder: user === null ? 'one is made up' : 'stays as it is'}}
        value={password}
        onChange={setPassword}
        problem={problem}
        note={
          user === null
            ? 'Left empty, one is made up and shown once.'
            : 'Another role holds at once. Who is signed in stays so when the password changes, a day at most.'
        }
      />
    </RecordDialog>
  );
}

function RoleField({role, onChoose, fixed}: {role: Role; onChoose: (role: Role) => void; fixed: boolean}): ReactNode {
  return (
    <label className="field">
      <span className="field-name">Role</span>
      <select
        name="role"
        className="select"
        disabled={fixed}
        value={role}
        onChange={(event) => onChoose(event.target.value as Role)}
      >
        {kRoles.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <span className="field-note">
        {fixed ? `The user ${kLasting} stays an admin.` : `Who is one ${kMeans[role]}.`}
      </span>
    </label>
  );
}

// Nobody can ask for it again.
function ToldDialog({told, onClose}: {told: Told; onClose: () => void}) {
  return (
    <Dialog
      title={
        <>
          Password of <span className="dialog-subject">{told.name}</span>
        </>
      }
      onClose={onClose}
    >
      <div className="form">
        <p className="field-note">It was made up, and is shown only now.</p>
        <code className="conf" data-password>
          {told.password}
        </code>
        <div className="form-end">
          <button type="button" className="button button-primary" onClick={onClose}>
            Done
          </button>
        </div>
      </div>
    </Dialog>
  );
}
