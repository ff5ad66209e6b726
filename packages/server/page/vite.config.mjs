import { defineConfig } from 'vite';

/** Where `npx vite` finds what the page asks for: a server that runs. */
const SERVER = 'http://127.0.0.1:8080';
const ROUTES = ['server', 'v1', 'jobs', 'results', 'login', 'logout'];

export default defineConfig({
  // Wherever the server is mounted.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // The page's policy allows no scripts but files.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: Object.fromEntries(ROUTES.map((route) => [`/${route}`, { target: SERVER, headers: { origin: SERVER } }])),
  },
});
