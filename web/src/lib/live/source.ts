/**
 * One connection to the event stream that does not give up. It remembers the number of the last event
 * and asks for what came after it whenever it has to connect again: after an error (waiting a little
 * longer each time), after sleep, when the network comes back. Nothing is missed and nothing reloads.
 */
import type { EventName, LiveEvent } from '#lib/api/types.ts';

export type LiveState = 'closed' | 'connecting' | 'open' | 'lost';
type Listener = (event: MessageEvent<string>) => void;
export type Connection = {
  addEventListener(name: string, listener: Listener): void;
  close(): void;
  onopen: ((event: Event) => unknown) | null;
  onerror: ((event: Event) => unknown) | null;
};

const NAMES: EventName[] = [
  'generation.changed', 'generation.deleted', 'asset.changed', 'asset.deleted', 'credits.changed', 'order.changed', 'line', 'reset'
];
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SLEEP_CHECK_MS = 5_000;
const SLEPT_MS = 20_000;

export class LiveSource {
  #connection: Connection | null = null;
  #after: number | null = null;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sleepTimer: ReturnType<typeof setInterval> | null = null;
  #lastTick = 0;
  #state: LiveState = 'closed';
  #open: (url: string) => Connection;
  #onEvent: (event: LiveEvent) => void;
  #onState: (state: LiveState) => void;

  constructor(
    onEvent: (event: LiveEvent) => void,
    onState: (state: LiveState) => void = () => {},
    open: (url: string) => Connection = (url) => new EventSource(url)
  ) {
    this.#onEvent = onEvent;
    this.#onState = onState;
    this.#open = open;
  }

  get after(): number | null {
    return this.#after;
  }

  /** Listens for everything that comes after the event numbered `after`. */
  start(after: number | null): void {
    this.stop();
    this.#after = after;
    this.#lastTick = Date.now();
    this.#sleepTimer = setInterval(() => this.#noticeSleep(), SLEEP_CHECK_MS);
    this.#connect();
  }

  stop(): void {
    this.#drop();
    if (this.#sleepTimer) clearInterval(this.#sleepTimer);
    this.#sleepTimer = null;
    this.#tries = 0;
    this.#say('closed');
  }

  /** Connects again at once: the machine woke up or the network is back. */
  wake(): void {
    if (this.#state === 'closed') return;
    this.#tries = 0;
    this.#connect();
  }

  /** The machine says that it is offline. A connection may not notice for minutes; trying again finds out. */
  doubt(): void {
    if (this.#state !== 'closed') this.#retryLater();
  }

  #noticeSleep(): void {
    const now = Date.now();
    const gap = now - this.#lastTick;
    this.#lastTick = now;
    // A timer that fires far too late means the machine slept; its connection may be dead without having said so.
    if (gap > SLEPT_MS) this.wake();
  }

  #connect(): void {
    this.#drop();
    this.#say(this.#tries === 0 ? 'connecting' : 'lost');
    const query = this.#after === null ? '' : `?after=${this.#after}`;
    const connection = this.#open(`/api/v1/events${query}`);
    this.#connection = connection;
    connection.onopen = () => {
      this.#tries = 0;
      this.#say('open');
    };
    connection.onerror = () => {
      if (this.#connection === connection) this.#retryLater();
    };
    for (const name of NAMES) {
      connection.addEventListener(name, (message) => {
        if (this.#connection === connection) this.#take(name, message);
      });
    }
  }

  #take(name: EventName, message: MessageEvent<string>): void {
    this.#tries = 0;
    const number = Number(message.lastEventId);
    if (message.lastEventId !== '' && Number.isSafeInteger(number)) {
      // A number already seen was sent again across a reconnect; applying it twice would be harmless, but is useless.
      if (this.#after !== null && number <= this.#after && name !== 'line' && name !== 'reset') return;
      if (this.#after === null || number > this.#after) this.#after = number;
    }
    this.#onEvent({ name, data: JSON.parse(message.data || '{}') } as LiveEvent);
  }

  #retryLater(): void {
    this.#drop();
    this.#say('lost');
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries);
    this.#tries++;
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  #drop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#connection?.close();
    this.#connection = null;
  }

  #say(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }
}
