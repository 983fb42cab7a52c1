import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter({
        pages: '../src/vermilion/web_build',
        assets: '../src/vermilion/web_build',
        fallback: 'index.html'
      })
    })
  ],
  // `npm run dev` finds the API at VERMILION_URL; the built app is served by the same server.
  server: { proxy: { '/api': loadEnv(mode, '.', 'VERMILION_').VERMILION_URL ?? 'http://127.0.0.1:8080' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' }
}));
