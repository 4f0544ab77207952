import {defineConfig} from 'vite';

// The server sends `default-src 'self'` without exceptions, so nothing may be inlined: no data: images, no inline
// preload script. OUT_DIR is the build tree's folder when CMake calls; MILLRACE_API is a running server for `npm run dev`.
const api = process.env['MILLRACE_API'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  build: {
    outDir: process.env['OUT_DIR'] ?? 'dist',
    emptyOutDir: true,
    // Not assets/, which is a page of the dashboard.
    assetsDir: 'static',
    assetsInlineLimit: 0,
    modulePreload: {polyfill: false},
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // "use client" in libraries means something to servers that render React; there is none here.
      checks: {moduleLevelDirective: false},
      output: {codeSplitting: {groups: [{name: 'libraries', test: /node_modules/}]}},
    },
  },
  server: {proxy: {'/api': api, '/millrace': api, '/auth': api}},
});
