/** What a file is called where nobody named it. Pure. */
import type { Asset } from '#lib/api/types.ts';

export const nameOf = (asset: Asset): string => asset.name || `${asset.kind}-${asset.id.slice(-8)}`;
