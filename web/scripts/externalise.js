/**
 * Moves the start script that SvelteKit writes into index.html to a file of its own, so that the
 * page can be served under a policy that allows no inline script. Fails if any inline script is left.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const build = join(import.meta.dirname, '../../src/vermilion/web_build');
const page = join(build, 'index.html');
const html = readFileSync(page, 'utf8');
const inline = /<script>([\s\S]*?)<\/script>/g;

const externalised = html.replace(inline, (_, source) => {
  const digest = createHash('sha256').update(source).digest('base64url').slice(0, 8);
  const name = `_app/immutable/entry/boot.${digest}.js`;
  writeFileSync(join(build, name), source.replace(/^\t{4}/gm, '').trim() + '\n');
  return `<script src="/${name}"></script>`;
});

if (externalised === html) throw new Error('index.html had no inline start script to move: has its shape changed?');
if (/<script(?![^>]*\ssrc=)[^>]*>/.test(externalised)) throw new Error('index.html still has an inline script');
writeFileSync(page, externalised);
