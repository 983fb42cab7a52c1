/** What the desk says went wrong. Pure. */
import { Problem } from '#lib/api/http.ts';
import type { LiveState } from '#lib/live/source.ts';

/** Whether no answer came at all: true only as long as the connection is away. */
export const isUnreachable = (problem: unknown): boolean => problem instanceof Problem && problem.code === 'network.unreachable';

/**
 * The one problem to tell: that of what was sent, else that of the price. That a price did not come while the
 * connection is away is nobody's doing and is left to the quiet line about the connection.
 */
export function troubleOf(sent: unknown, priced: unknown, live: LiveState): unknown {
  if (sent) return sent;
  return live === 'lost' && isUnreachable(priced) ? null : priced;
}

/** What is left of a problem once the connection is up again. */
export const afterReturn = (problem: unknown): unknown => (isUnreachable(problem) ? null : problem);
