/** Tables to download: text for a spreadsheet, and the way it leaves the page. */
import type { MadeCodes } from '#lib/api/admin_types.ts';

/** Spreadsheets take UTF-8 for what it is only with this in front. */
const MARK = '\ufeff';

/** One line for each code that was just made; a purpose is quoted, and never taken for a formula. */
export function tableOf(made: MadeCodes): string {
  const quoted = (text: string): string => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const rows = made.codes.map((one) => [one.code, made.amount_credits, quoted(made.purpose), made.expires_at ?? ''].join(','));
  return `${MARK}${['code,amount_credits,purpose,expires_at', ...rows].join('\r\n')}\r\n`;
}

export function download(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  // The browser has begun by then; without a pause some give up.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
