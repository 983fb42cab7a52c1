/** The person's orders, the newest first, kept up to date by what the server tells. */
import * as api from '#lib/api/calls.ts';
import type { LiveEvent, Order } from '#lib/api/types.ts';

const PAGE = 5;

export class Orders {
  list = $state.raw<Order[] | null>(null);
  next = $state.raw<string | null>(null);

  async load(): Promise<void> {
    const page = await api.listOrders({ limit: PAGE });
    this.list = page.items;
    this.next = page.next;
  }

  async more(): Promise<void> {
    const page = await api.listOrders({ cursor: this.next, limit: 50 });
    this.list = [...(this.list ?? []), ...page.items];
    this.next = page.next;
  }

  hear = (event: LiveEvent): void => {
    // What is on the screen may be of another time now: it is asked for again, and stays until then.
    if (event.name === 'reset') void this.load().catch(() => undefined);
    if (event.name !== 'order.changed' || this.list === null) return;
    const known = this.list.some((one) => one.id === event.data.id);
    this.list = known ? this.list.map((one) => (one.id === event.data.id ? event.data : one)) : [event.data, ...this.list];
  };
}

/** Goes to where this order is paid; stays where it was paid meanwhile. */
export async function payFor(order: Pick<Order, 'id' | 'package_id' | 'method'>): Promise<Order> {
  const placed = await api.placeOrder({ id: order.id, package_id: order.package_id, method: order.method });
  if (placed.pay_url) location.assign(placed.pay_url);
  return placed.order;
}
