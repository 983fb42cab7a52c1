/** The few bytes of a thumbhash as a picture, remembered: a scrolled list asks for the same ones again. */
import { thumbHashToDataURL } from 'thumbhash';

const MOST = 600;
const known = new Map<string, string>();

export function blurOf(hash: string | null): string | null {
  if (!hash) return null;
  const ready = known.get(hash);
  if (ready) return ready;
  try {
    const url = thumbHashToDataURL(Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0)));
    if (known.size >= MOST) known.delete(known.keys().next().value!);
    known.set(hash, url);
    return url;
  } catch {
    // A placeholder that cannot be read is only a placeholder missing.
    return null;
  }
}
