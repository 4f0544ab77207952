// Who may sign in, and as what; and one's own password.
import type {Http} from './http';
import {segment} from './paths';

export const kRoles = ['viewer', 'user', 'op', 'admin'] as const;
export type Role = (typeof kRoles)[number];

export interface User {
  username: string;
  role: Role;
}

// Without a password one is made up, which is told this once.
export interface NewUser extends User {
  password?: string;
}

export const userRoutes = (http: Http) => ({
  async users(signal?: AbortSignal): Promise<User[]> {
    return (await http.get<{users: User[]}>('/millrace/v1/users', signal)).users;
  },

  createUser(user: NewUser) {
    return http.send('POST', '/millrace/v1/users', user) as Promise<NewUser>;
  },

  changeUser(name: string, change: {role?: Role; password?: string}) {
    return http.send('PATCH', `/millrace/v1/users/${segment(name)}`, change) as Promise<User>;
  },

  deleteUser(name: string) {
    return http.send('DELETE', `/millrace/v1/users/${segment(name)}`);
  },

  // A wrong one is answered as a lost session is, and is none.
  changeOwnPassword(current: string, password: string) {
    const body = {current_password: current, password};
    return http.send('PATCH', '/millrace/v1/me', body, undefined, true, false) as Promise<User>;
  },
});
