/** Pictures on their way to the desk: shown at once, sent in the background, kept and retried on failure. */
import { uploadAsset } from '#lib/api/calls.ts';
import { uuidv7 } from '#lib/api/ids.ts';
import { draft } from './draft.svelte';

export const acceptedTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif', 'video/mp4', 'video/webm', 'video/quicktime'];

export function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter((file) => acceptedTypes.includes(file.type) || file.type === '');
}

export function addFiles(files: Iterable<File>, role = ''): void {
  for (const file of files) {
    const key = uuidv7();
    const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : null;
    const send = (): void => void sendFile(key, file);
    draft.references = [
      ...draft.references,
      { key, asset_id: null, role, name: file.name, content_type: file.type, preview, failure: null, retry: send }
    ];
    send();
  }
}

async function sendFile(key: string, file: File): Promise<void> {
  draft.change(key, { failure: null });
  try {
    const asset = await uploadAsset(file);
    draft.change(key, { asset_id: asset.id, asset, content_type: asset.content_type, retry: null });
  } catch (failure) {
    draft.change(key, { failure });
  }
}
