// The installation: who is signed in, the workers, the version.
import {type Http} from './http';
import type {Me, Worker} from './types';

export const systemRoutes = (http: Http) => ({
  async login(username: string, password: string): Promise<string> {
    const answer = await http.send('POST', '/auth/token', {username, password}, undefined, false);
    return (answer as {access_token: string}).access_token;
  },

  me(signal?: AbortSignal) {
    return http.get<Me>('/millrace/v1/me', signal);
  },

  workers(signal?: AbortSignal) {
    return http.get<{workers: Worker[]}>('/millrace/v1/workers', signal);
  },

  version(signal?: AbortSignal) {
    return http.get<{version: string}>('/api/v2/version', signal);
  },
});
