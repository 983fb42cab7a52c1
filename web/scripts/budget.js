/**
 * Prints how much JavaScript the browser must fetch before /create can be used, gzipped, and fails
 * above the budget. Counts what index.html asks for, the chunks those import, the nodes of the route
 * and its layouts, and the larger of the two language catalogues.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET_BYTES = 130_000;
const web = join(import.meta.dirname, '..');
const build = join(web, '../src/vermilion/web_build');
const manifestPath = join(web, '.svelte-kit/output/client/.vite/manifest.json');
if (!existsSync(manifestPath)) throw new Error('Build first: npm run build');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));

/** Everything `key` imports at once, itself included. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, seen);
  return seen;
}

const sizeOf = (file) => gzipSync(readFileSync(join(build, file)), { level: 9 }).length;
const chunks = new Set();
const app = readFileSync(join(web, '.svelte-kit/generated/build/client-optimized/app.js'), 'utf8');
const route = /"\/\(studio\)\/create":\s*\[(\d+),\s*\[([\d,\s]*)\]/.exec(app);
if (!route) throw new Error('The route /create was not found in the built app');
const nodes = [0, 1, Number(route[1]), ...route[2].split(',').filter((one) => one.trim()).map(Number)];

for (const [key, entry] of Object.entries(manifest)) {
  const node = /client-optimized\/nodes\/(\d+)\.js$/.exec(key)?.[1];
  const wanted = node === undefined ? entry.isEntry || key.endsWith('client-entry.js') : nodes.includes(Number(node));
  if (wanted) for (const chunk of closure(key)) chunks.add(manifest[chunk].file);
}
const languages = Object.entries(manifest)
  .filter(([key]) => /i18n\/(en|zh)\/index\.ts$/.test(key))
  .map(([key]) => [...closure(key)].map((chunk) => manifest[chunk].file).filter((file) => !chunks.has(file)))
  .sort((a, b) => b.reduce((s, f) => s + sizeOf(f), 0) - a.reduce((s, f) => s + sizeOf(f), 0));
for (const file of languages[0] ?? []) chunks.add(file);
for (const [, src] of readFileSync(join(build, 'index.html'), 'utf8').matchAll(/<script src="\/([^"]+)"/g)) chunks.add(src);

const scripts = [...chunks].filter((file) => file.endsWith('.js')).map((file) => [file, sizeOf(file)]);
const total = scripts.reduce((sum, [, size]) => sum + size, 0);
if (process.argv.includes('--list')) {
  for (const [file, size] of scripts.sort((a, b) => b[1] - a[1])) console.log(String(size).padStart(8), file);
}
console.log(`/create first load: ${(total / 1000).toFixed(1)} kB gzip of ${BUDGET_BYTES / 1000} kB, ${scripts.length} files`);
if (total > BUDGET_BYTES) process.exit(1);
