/** What somebody typed where an e-mail address or a phone number may stand. Pure. */
export type Who = 'email' | 'phone' | 'unclear';

const PHONE_CHARS = /^[+0-9\s().-]+$/;
const DIGITS_TOLD = 4;

/** A number is recognised while it is typed, so that the form has its shape before it is complete. */
export function readWho(typed: string): Who {
  const text = typed.normalize('NFKC').trim();
  if (text.includes('@')) return 'email';
  if (PHONE_CHARS.test(text) && text.replace(/\D/g, '').length >= DIGITS_TOLD) return 'phone';
  return 'unclear';
}

/** A stored number as people write it: 138 0013 8000 in mainland China, +44 7700900123 elsewhere. */
export function showPhone(phone: string): string {
  const home = /^(?:\+86)?(1[3-9]\d)(\d{4})(\d{4})$/.exec(phone.normalize('NFKC').replace(/[\s().-]/g, ''));
  return home ? `${home[1]} ${home[2]} ${home[3]}` : phone.trim();
}

/** The six digits of whatever was typed, pasted or filled in. */
export const digitsOf = (typed: string): string => typed.normalize('NFKC').replace(/\D/g, '').slice(0, 6);
