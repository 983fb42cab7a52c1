/** One way out to the server: JSON in, JSON or a Problem out. */

/** What the server refused, by its stable code; `network.unreachable` when no answer came at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly extras: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body.detail === 'string' ? body.detail : String(body.title ?? status));
    this.status = status;
    this.code = typeof body.code === 'string' ? body.code : status === 0 ? 'network.unreachable' : 'server.error';
    this.field = typeof body.field === 'string' ? body.field : null;
    this.extras = body;
  }

  /** The fields the server named, each with its own code, for showing beside the control. */
  get errors(): { field: string; code: string; message: string; limit?: number }[] {
    return Array.isArray(this.extras.errors) ? this.extras.errors : [];
  }

  number(name: string): number | null {
    const value = this.extras[name];
    return typeof value === 'number' ? value : null;
  }
}

const lost = new Set<() => void>();

/** Calls `listener` whenever the server says that nobody is signed in any more. */
export function onSessionLost(listener: () => void): () => void {
  lost.add(listener);
  return () => lost.delete(listener);
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    body = { title: response.statusText };
  }
  const retryAfter = Number(response.headers.get('retry-after'));
  if (retryAfter > 0 && body.retry_after_seconds === undefined) body.retry_after_seconds = retryAfter;
  return new Problem(response.status, body);
}

export type Call = { body?: unknown; query?: Query; signal?: AbortSignal };

/** Answers the parsed body (undefined on 204); throws a Problem otherwise. */
export async function call<T>(method: string, path: string, options: Call = {}): Promise<T> {
  const form = options.body instanceof FormData ? options.body : null;
  let response: Response;
  try {
    response = await fetch(withQuery(`/api/v1${path}`, options.query), {
      method,
      credentials: 'same-origin',
      signal: options.signal,
      headers: options.body !== undefined && !form ? { 'content-type': 'application/json' } : undefined,
      body: form ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, { title: 'No answer' });
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.code === 'auth.required') for (const listener of lost) listener();
    throw problem;
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}
