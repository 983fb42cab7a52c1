import { afterEach, expect, test, vi } from 'vitest';
import { abandonQuestions, client, onSessionLost, Problem, take, wasAbandoned } from './http';

const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

/** A server that answers when told to, and that hears when nobody waits any more. */
function patientServer() {
  const asked: { signal: AbortSignal; answer: (response: Response) => void }[] = [];
  vi.stubGlobal('fetch', (_: Request, { signal }: { signal: AbortSignal }) =>
    new Promise<Response>((answer, refuse) => {
      signal.addEventListener('abort', () => refuse(signal.reason));
      asked.push({ signal, answer });
    })
  );
  return asked;
}
const ask = (signal?: AbortSignal) => take<{ name: string }>(client.GET('/api/v1/config', { baseUrl: 'http://studio.test', signal }));

afterEach(() => vi.unstubAllGlobals());

test('whoever leaves waits for no answer, and the next one who comes asks anew', async () => {
  const asked = patientServer();
  const open = [ask(), ask()];
  const ends = Promise.allSettled(open);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  abandonQuestions();
  expect((await ends).map((end) => end.status === 'rejected' && wasAbandoned(end.reason))).toEqual([true, true]);

  const later = ask();
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  asked[2]!.answer(json({ name: 'Vermilion' }));
  expect(await later).toEqual({ name: 'Vermilion' });
});

test('a question that is given up by itself leaves the others alone', async () => {
  const asked = patientServer();
  const given = new AbortController();
  const [one, other] = [ask(given.signal), ask()];
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  given.abort();
  await expect(one).rejects.toSatisfy(wasAbandoned);
  asked[1]!.answer(json({ name: 'Vermilion' }));
  expect(await other).toEqual({ name: 'Vermilion' });
});

test('an abandoned question does not say that the session is lost; a refused one does', async () => {
  const lost = vi.fn();
  const stop = onSessionLost(lost);
  const asked = patientServer();
  const open = ask().catch((error: unknown) => error);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  abandonQuestions();
  await open;
  expect(lost).not.toHaveBeenCalled();

  const refused = ask();
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  asked[1]!.answer(json({ code: 'auth.required', detail: 'Sign in.' }, 401));
  await expect(refused).rejects.toBeInstanceOf(Problem);
  expect(lost).toHaveBeenCalledOnce();
  stop();
});
