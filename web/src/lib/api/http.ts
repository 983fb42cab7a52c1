/** The one way out to the server: the client generated from its OpenAPI, and Problems for its refusals. */
import createClient from 'openapi-fetch';
import type { paths } from './schema';

export type FieldFault = { field: string; code: string; message: string; limit?: number | null };

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
  get errors(): FieldFault[] {
    return Array.isArray(this.extras.errors) ? this.extras.errors : [];
  }
}

/** The field that the server refused, by the name it was sent under; null where it named none. */
export const fieldRefused = (error: unknown): string | null => (error instanceof Problem ? (error.errors[0]?.field ?? error.field) : null);

const lost = new Set<() => void>();

/** Calls `listener` whenever the server says that nobody is signed in any more. */
export function onSessionLost(listener: () => void): () => void {
  lost.add(listener);
  return () => lost.delete(listener);
}

let visit = new AbortController();

/** Ends every question that has no answer yet: whoever asked them has left. What is asked afterwards is asked anew. */
export function abandonQuestions(): void {
  visit.abort();
  visit = new AbortController();
}

/** The question was given up by this side; there is nothing to tell anybody. */
export const wasAbandoned = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

export const client = createClient<paths>({
  credentials: 'same-origin',
  // Looked up at every call, so that a test may put another in its place.
  fetch: (request) => globalThis.fetch(request, { signal: AbortSignal.any([request.signal, visit.signal]) })
});

function problemOf(response: Response, error: unknown): Problem {
  const body: Record<string, unknown> = error && typeof error === 'object' ? { ...error } : { title: response.statusText };
  const retryAfter = Number(response.headers.get('retry-after'));
  if (retryAfter > 0) body.retry_after_seconds ??= retryAfter;
  return new Problem(response.status, body);
}

type Answer = { data?: unknown; error?: unknown; response: Response };

/** The body of an answer (undefined on 204); throws a Problem otherwise. An aborted call stays an AbortError. */
export async function take<T>(asked: Promise<Answer>): Promise<T> {
  let answer: Answer;
  try {
    answer = await asked;
  } catch (error) {
    if (wasAbandoned(error)) throw error;
    throw new Problem(0, { title: 'No answer' });
  }
  if (answer.response.ok) return answer.data as T;
  const problem = problemOf(answer.response, answer.error);
  if (problem.code === 'auth.required') for (const listener of lost) listener();
  throw problem;
}
