import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LiveEvent } from '#lib/api/types.ts';
import { LiveSource, type Connection, type LiveState } from './source';

class Wire implements Connection {
  static opened: Wire[] = [];
  static get last(): Wire {
    return Wire.opened.at(-1)!;
  }
  closed = false;
  onopen: ((event: Event) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(readonly url: string) {
    Wire.opened.push(this);
  }
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(name, listener);
  }
  close(): void {
    this.closed = true;
  }
  say(name: string, lastEventId: string, data: unknown): void {
    this.#listeners.get(name)?.({ lastEventId, data: JSON.stringify(data) } as MessageEvent<string>);
  }
  fail(): void {
    this.onerror?.({} as Event);
  }
}

let heard: LiveEvent[];
let states: LiveState[];
let source: LiveSource;

beforeEach(() => {
  vi.useFakeTimers();
  Wire.opened = [];
  heard = [];
  states = [];
  source = new LiveSource((event) => heard.push(event), (state) => states.push(state), (url) => new Wire(url));
});
afterEach(() => {
  source.stop();
  vi.useRealTimers();
});

test('begins where the list was valid', () => {
  source.start(41);
  expect(Wire.last.url).toBe('/api/v1/events?after=41');
});

test('after an error it comes back and asks for what it missed', () => {
  source.start(41);
  Wire.last.onopen?.({} as Event);
  Wire.last.say('generation.deleted', '44', { id: 'a' });
  Wire.last.fail();
  vi.advanceTimersByTime(1000);
  expect(Wire.opened).toHaveLength(2);
  expect(Wire.opened[0]!.closed).toBe(true);
  expect(Wire.last.url).toBe('/api/v1/events?after=44');
  expect(states).toEqual(['connecting', 'open', 'lost']);
});

test('waits longer after every failure, but never more than a minute', () => {
  source.start(1);
  const waits: number[] = [];
  for (let at = 0; at < 10; at++) {
    Wire.last.fail();
    const before = Wire.opened.length;
    let waited = 0;
    while (Wire.opened.length === before) {
      vi.advanceTimersByTime(100);
      waited += 100;
    }
    waits.push(waited);
  }
  expect(waits[3]!).toBeGreaterThan(waits[0]!);
  expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
});

test('an event sent again across a reconnect is heard once', () => {
  source.start(1);
  Wire.last.say('generation.deleted', '2', { id: 'a' });
  Wire.last.fail();
  vi.advanceTimersByTime(1000);
  Wire.last.say('generation.deleted', '2', { id: 'a' });
  Wire.last.say('generation.deleted', '3', { id: 'b' });
  expect(heard.map((event) => event.data)).toEqual([{ id: 'a' }, { id: 'b' }]);
});

test('unnumbered events are heard and do not move the place', () => {
  source.start(7);
  Wire.last.say('line', '', { items: [] });
  Wire.last.say('reset', '', {});
  expect(heard.map((event) => event.name)).toEqual(['line', 'reset']);
  expect(source.after).toBe(7);
});

test('a browser repeats the last number on unnumbered events; they are heard all the same', () => {
  source.start(7);
  Wire.last.say('generation.deleted', '8', { id: 'a' });
  Wire.last.say('line', '8', { items: [] });
  expect(heard).toHaveLength(2);
});

test('after sleep it connects again without waiting for an error', () => {
  source.start(5);
  Wire.last.onopen?.({} as Event);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(Wire.opened).toHaveLength(2);
  expect(Wire.last.url).toBe('/api/v1/events?after=5');
});

test('told that the machine is offline it says so at once, and comes back by itself where the studio can still be reached', () => {
  source.start(5);
  Wire.last.onopen?.({} as Event);
  source.doubt();
  expect(states.at(-1)).toBe('lost');
  vi.advanceTimersByTime(1_000);
  expect(Wire.opened).toHaveLength(2);
  expect(Wire.last.url).toBe('/api/v1/events?after=5');
  Wire.last.onopen?.({} as Event);
  expect(states.at(-1)).toBe('open');
});

test('an old connection that speaks late is not listened to', () => {
  source.start(5);
  const old = Wire.last;
  source.wake();
  old.say('generation.deleted', '6', { id: 'a' });
  expect(heard).toEqual([]);
});

test('stopped means stopped', () => {
  source.start(5);
  source.stop();
  source.wake();
  source.doubt();
  vi.advanceTimersByTime(120_000);
  expect(Wire.opened).toHaveLength(1);
  expect(Wire.last.closed).toBe(true);
});
