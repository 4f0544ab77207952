// The installation: who is signed in, the workers, what all DAGs did, the version.
import {queryString, type Http} from './http';
import type {Activity, Me, Timeline, Worker} from './types';

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

  // Of all DAGs, in so many parts of the time.
  activity(from: string, to: string, parts: number, signal?: AbortSignal) {
    return http.get<Activity>(`/millrace/v1/activity${queryString({from, to, parts})}`, signal);
  },

  timeline(from: string, to: string, signal?: AbortSignal) {
    return http.get<Timeline>(`/millrace/v1/timeline${queryString({from, to, limit: 3000})}`, signal);
  },

  version(signal?: AbortSignal) {
    return http.get<{version: string}>('/api/v2/version', signal);
  },
});
