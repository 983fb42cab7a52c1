/** What the catalogue's own price row says: shown, as provisional, until the server has answered. Pure. */
import type { Model, Params } from '#lib/api/types.ts';

export function provisionalPrice(model: Model, params: Params): number {
  const outputs = Number(model.outputs_param ? (params[model.outputs_param] ?? 1) : 1);
  const applies = (when: Record<string, string | boolean>): boolean =>
    Object.entries(when).every(([name, value]) => params[name] === value);
  const row = model.price.rows.find((one) => applies(one.when)) ?? model.price;
  return row.base_credits + row.per_output_credits * (Number.isFinite(outputs) ? outputs : 1);
}
