/** One slow clock for everything that shows elapsed time; it only ticks while somebody reads it. */
import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 500;
const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, TICK_MS);
  return () => clearInterval(timer);
});

export function nowMs(): number {
  subscribe();
  return Date.now();
}
