/** Files on their way to the desk: shown at once, sent in the background, kept and retried on failure. */
import { uploadAsset } from '#lib/api/calls.ts';
import type { Asset } from '#lib/api/types.ts';
import { uuidv7 } from '#lib/api/ids.ts';
import type { Step } from '#lib/paint/steps.ts';
import { draft, type DraftReference } from './draft.svelte';

export const acceptedTypes = [
  'image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif', 'video/mp4', 'video/webm', 'video/quicktime',
  'audio/mpeg', 'audio/mp4', 'audio/x-m4a', 'audio/wav', 'audio/x-wav'
];

export function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter((file) => acceptedTypes.includes(file.type) || file.type === '');
}

/** What browsers call the types that the server knows by one name each. */
const other: Record<string, string> = { 'audio/x-m4a': 'audio/mp4', 'audio/x-wav': 'audio/wav', 'audio/mp3': 'audio/mpeg' };

export function addFiles(files: Iterable<File>, role = '', painted?: DraftReference['painted']): void {
  for (const file of files) {
    const key = uuidv7();
    const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : null;
    const send = (): void => void sendFile(key, file, painted ? 'mask' : undefined);
    draft.references = [
      ...draft.references,
      { key, asset_id: null, role, name: file.name, content_type: other[file.type] ?? file.type, preview, failure: null, retry: send, painted }
    ];
    send();
  }
}

async function sendFile(key: string, file: File, role?: Asset['role']): Promise<void> {
  draft.change(key, { failure: null });
  try {
    const asset = await uploadAsset(file, role);
    draft.change(key, { asset_id: asset.id, asset, content_type: asset.content_type, retry: null });
  } catch (failure) {
    draft.change(key, { failure });
  }
}

/** A mask that was painted over a picture takes the place of the one before it. */
export function addMask(file: File, over: string, steps: Step[]): void {
  for (const one of draft.placed) if (one.role === 'mask') draft.drop(one.key);
  addFiles([file], 'mask', { over, steps });
}
