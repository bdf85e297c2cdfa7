import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// In development the API comes from the mock server, or from a real one named by BASE_URL.
const api = process.env.BASE_URL ?? 'http://127.0.0.1:8090';

export default defineConfig({
  plugins: [svelte()],
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 1500 },
  server: { proxy: { '/v1': api } },
  test: { include: ['src/**/*.test.ts'] },
});
