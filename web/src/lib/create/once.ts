/**
 * Asks for a generation once. The id is made here, before the first try, and kept while the same request is
 * tried again after a lost answer: the server answers the same generation twice rather than making two.
 */
import * as api from '#lib/api/calls.ts';
import { Problem } from '#lib/api/http.ts';
import { uuidv7 } from '#lib/api/ids.ts';
import type { Generation, GenerationRequest } from '#lib/api/types.ts';

const MOST = 20;
const unanswered = new Map<string, string>();

export async function requestOnce(request: Omit<GenerationRequest, 'id'>): Promise<Generation> {
  const body = JSON.stringify(request);
  const id = unanswered.get(body) ?? uuidv7();
  unanswered.delete(body);
  try {
    return await api.requestGeneration({ id, ...request });
  } catch (error) {
    // Without a clear answer the request may have arrived: the next try of the same must carry the same id.
    const unclear = !(error instanceof Problem) || error.status === 0 || error.status >= 500;
    if (unclear) unanswered.set(body, id);
    if (unanswered.size > MOST) unanswered.delete(unanswered.keys().next().value!);
    throw error;
  }
}
