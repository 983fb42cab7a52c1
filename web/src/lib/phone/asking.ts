/** Having a code sent. */
import { sendCode } from '#lib/api/calls.ts';
import { Problem } from '#lib/api/http.ts';
import type { CodePurpose } from '#lib/api/types.ts';

const MINUTE_SECONDS = 60;

/** `sent` is false where one went to this number a moment ago: the next may go in `waitSeconds`. */
export type Asked = { sent: boolean; waitSeconds: number };

/** Throws what the server refuses for good, or for longer than anybody would wait at a form. */
export async function askForCode(phone: string, purpose: CodePurpose): Promise<Asked> {
  try {
    const answer = await sendCode({ phone, purpose });
    return { sent: true, waitSeconds: answer.resend_in_seconds };
  } catch (error) {
    const wait = error instanceof Problem && error.code === 'rate.limited' ? Number(error.extras.retry_after_seconds) : NaN;
    if (wait <= MINUTE_SECONDS) return { sent: false, waitSeconds: wait };
    throw error;
  }
}
