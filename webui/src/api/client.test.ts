import {describe, expect, it} from 'vitest';
import {makeClient} from './client';
import {ApiError, errorMessage, queryString} from './http';

interface Seen {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
}

function clientWith(answer: () => Response) {
  const seen: Seen[] = [];
  let refused = 0;
  const client = makeClient({
    token: () => 'secret',
    onUnauthorized: () => refused++,
    fetch: ((url: string, init: RequestInit) => {
      seen.push({
        url,
        method: init.method ?? '',
        headers: init.headers as Record<string, string>,
        body: init.body ? JSON.parse(init.body as string) : undefined,
      });
      return Promise.resolve(answer());
    }) as typeof fetch,
  });
  return {client, seen, refused: () => refused};
}

describe('Client', () => {
  it('sends the token and asks for JSON', async () => {
    const {client, seen} = clientWith(() => Response.json({dag_runs: [], total_entries: 0}));
    await client.runList('~', {state: 'failed'}, 100);
    expect(seen[0]?.url).toBe('/api/v2/dags/~/dagRuns?state=failed&limit=100&offset=100&order_by=-run_after');
    expect(seen[0]?.headers).toMatchObject({Authorization: 'Bearer secret', Accept: 'application/json'});
  });

  it('escapes run ids and leaves their colons', async () => {
    const {client, seen} = clientWith(() => Response.json({}));
    await client.run('d', 'manual__2001-03-01T00:00:00+00:00');
    expect(seen[0]?.url).toBe('/api/v2/dags/d/dagRuns/manual__2001-03-01T00:00:00%2B00:00');
    await client.why({dag: 'a b', run: 'r/1', task: 't?', map: -1});
    expect(seen[1]?.url).toBe('/millrace/v1/dags/a%20b/dagRuns/r%2F1/taskInstances/t%3F/why');
  });

  it('names the instance of a mapped task where each route wants it', async () => {
    const {client, seen} = clientWith(() => Response.json({xcom_entries: []}));
    const key = {dag: 'd', run: 'r', task: 't', map: 3};
    await client.taskInstance(key);
    await client.tries(key);
    await client.log(key, 2, null);
    await client.why(key);
    await client.xcoms(key);
    const task = '/api/v2/dags/d/dagRuns/r/taskInstances/t';
    expect(seen.map((one) => one.url)).toEqual([
      `${task}/3`,
      `${task}/3/tries`,
      `${task}/logs/2?map_index=3`,
      '/millrace/v1/dags/d/dagRuns/r/taskInstances/t/why?map_index=3',
      `${task}/xcomEntries?limit=100&map_index=3`,
    ]);
  });

  it('writes a note to one instance, and nothing else of it', async () => {
    const {client, seen} = clientWith(() => Response.json({}));
    await client.noteInstance({dag: 'd', run: 'r', task: 't', map: 3}, 'seen');
    expect(seen[0]).toMatchObject({
      method: 'PATCH',
      url: '/api/v2/dags/d/dagRuns/r/taskInstances/t/3',
      body: {note: 'seen'},
    });
  });

  it('asks for as many pages of mapped instances as there are', async () => {
    let asked = 0;
    const {client, seen} = clientWith(() =>
      Response.json({task_instances: [{map_index: asked++}], total_entries: 250}),
    );
    expect(await client.mappedInstances({dag: 'd', run: 'r', task: 't', map: -1})).toHaveLength(3);
    expect(seen.map((one) => new URL(one.url, 'http://x').searchParams.get('offset'))).toEqual(['0', '100', '200']);
  });

  it('repeats arrays in queries and leaves out what is empty', () => {
    expect(queryString({tags: ['a', 'b'], limit: 10, token: null, search: '', paused: false})).toBe(
      '?tags=a&tags=b&limit=10&paused=false',
    );
    expect(queryString({})).toBe('');
  });

  it('always sends a logical date, because Airflow asks for it even when there is none', async () => {
    const {client, seen} = clientWith(() => Response.json({}));
    await client.trigger('d', {logical_date: null, conf: {a: 1}});
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/api/v2/dags/d/dagRuns',
      body: {logical_date: null, conf: {a: 1}},
    });
  });

  it('logs in without a token and gives the new one', async () => {
    const {client, seen, refused} = clientWith(() => Response.json({access_token: 'new'}, {status: 201}));
    expect(await client.login('admin', 'pass')).toBe('new');
    expect(seen[0]).toMatchObject({url: '/auth/token', body: {username: 'admin', password: 'pass'}});
    expect(seen[0]?.headers['Authorization']).toBeUndefined();
    expect(refused()).toBe(0);
  });

  it('tells the session about a refused token, but not about a refused login', async () => {
    const {client, refused} = clientWith(() => Response.json({detail: 'no'}, {status: 401}));
    await expect(client.dag('d')).rejects.toThrow('no');
    expect(refused()).toBe(1);
    await expect(client.login('a', 'b')).rejects.toThrow('no');
    expect(refused()).toBe(1);
  });

  it('says what is wrong in both of the error shapes, and when there is none', () => {
    expect(errorMessage(404, {detail: 'not found'})).toBe('not found');
    expect(errorMessage(422, {detail: [{loc: ['body', 'conf'], msg: 'must be an object'}, {msg: 'x'}]})).toBe(
      'conf: must be an object; x',
    );
    expect(errorMessage(500, null)).toBe('The server answered with status 500');
  });

  it('says that the scheduler does not answer when the connection fails', async () => {
    const client = makeClient({
      token: () => null,
      onUnauthorized: () => undefined,
      fetch: () => Promise.reject(new TypeError('Failed to fetch')),
    });
    await expect(client.version()).rejects.toThrow(/scheduler does not answer/);
    await expect(client.version()).rejects.toBeInstanceOf(ApiError);
  });

  it('accepts an empty answer and refuses one that is no JSON', async () => {
    expect(await clientWith(() => new Response(null, {status: 204})).client.version()).toBeNull();
    await expect(clientWith(() => new Response('<html>')).client.version()).rejects.toThrow(/did not answer with JSON/);
  });
});
