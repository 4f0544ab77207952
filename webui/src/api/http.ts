// A request and its answer: token, JSON, errors and lists of parameters. Knows nothing of resources, of React or of the session.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ClientOptions {
  token: () => string | null;
  onUnauthorized: () => void;
  fetch?: typeof fetch;
}

type Query = Record<string, string | number | boolean | null | undefined | string[]>;

export function queryString(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    if (Array.isArray(value)) value.forEach((one) => parts.append(name, one));
    else parts.append(name, String(value));
  }
  const text = parts.toString();
  return text === '' ? '' : `?${text}`;
}

// FastAPI's two error shapes: {detail: "text"} and {detail: [{loc, msg}]}.
export function errorMessage(status: number, body: unknown): string {
  const detail = (body as {detail?: unknown} | null)?.detail;
  if (typeof detail === 'string') return detail;
  if (Array.isArray(detail)) {
    return detail
      .map((item: {loc?: unknown[]; msg?: string}) => {
        const place = (item.loc ?? []).filter((part) => part !== 'body').join('.');
        return place === '' ? (item.msg ?? '') : `${place}: ${item.msg ?? ''}`;
      })
      .join('; ');
  }
  return `The server answered with status ${status}`;
}

// Rows in a page of a list.
export const kPage = 100;

export interface BulkResult {
  done: number;
  errors: string[];
}

// What one action of a bulk request came to.
export function bulkResult(answer: unknown, action: string): BulkResult {
  const part = (answer as Record<string, {success: string[]; errors: {error: string}[]} | null>)[action];
  return {done: part?.success.length ?? 0, errors: (part?.errors ?? []).map(({error}) => error)};
}

export class Http {
  constructor(private readonly options: ClientOptions) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send('GET', path, undefined, signal) as Promise<T>;
  }

  // `ends`: whether a 401 means that the session is over.
  async send(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    signedIn = true,
    ends = signedIn,
  ): Promise<unknown> {
    const headers: Record<string, string> = {Accept: 'application/json'};
    const token = this.options.token();
    if (signedIn && token !== null) headers['Authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const request: RequestInit = {method, headers};
    if (body !== undefined) request.body = JSON.stringify(body);
    if (signal) request.signal = signal;
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(path, request);
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error;
      throw new ApiError(0, 'The scheduler does not answer. Is millrace-scheduler running?');
    }
    const text = await response.text();
    let answer: unknown = null;
    try {
      answer = text === '' ? null : JSON.parse(text);
    } catch {
      if (response.ok) throw new ApiError(response.status, `${path} did not answer with JSON`);
    }
    if (response.ok) return answer;
    if (response.status === 401 && ends) this.options.onUnauthorized();
    throw new ApiError(response.status, errorMessage(response.status, answer));
  }
}
