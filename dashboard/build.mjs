// Bundles the dashboard into dist/: files with hashed names, each also in gzip and Brotli, the page
// that loads them, and a list of both for build.rs.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { catalogues } from './locales/check.mjs';

const OUT = 'dist';
const BASE = '/dashboard/assets/';
const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const faults = catalogues();
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);

/** Catalogues as one object: each key once, where esbuild would export each message by itself too. */
const messages = {
  name: 'messages',
  setup: (bundler) => bundler.onLoad({ filter: /locales\/[\w-]+\.json$/ }, ({ path }) => ({ contents: `export default ${readFileSync(path, 'utf8')}`, loader: 'js' })),
};

const shared = {
  bundle: true,
  minify: true,
  outdir: OUT,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  target: ['es2022', 'chrome111', 'firefox114', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};
const results = await Promise.all([
  build({
    ...shared,
    entryPoints: ['src/main.tsx'],
    format: 'esm',
    splitting: true,
    plugins: [messages],
    // What is shown and not run.
    loader: { '.go': 'text', '.java': 'text', '.php': 'text', '.rs': 'text' },
    jsx: 'automatic',
    jsxImportSource: 'preact',
  }),
  // Before the first paint, so it is neither a module nor deferred.
  build({ ...shared, entryPoints: ['src/boot.ts'], format: 'iife' }),
  build({ ...shared, entryPoints: ['src/style/main.css'], outbase: 'src/style' }),
]);

const entry = (source) => {
  for (const { metafile } of results) {
    for (const [path, output] of Object.entries(metafile.outputs)) {
      if (output.entryPoint === source) return basename(path);
    }
  }
  throw new Error(`${source} was not built`);
};

const icon = readFileSync('src/icon.svg');
const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
writeFileSync(join(OUT, iconName), icon);

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>AI Duet</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" type="image/svg+xml" href="${BASE}${iconName}">
<script src="${BASE}${entry('src/boot.ts')}"></script>
<link rel="stylesheet" href="${BASE}${entry('src/style/main.css')}">
<script type="module" src="${BASE}${entry('src/main.tsx')}"></script>
</head>
<body>
<div id="app"></div>
<noscript>
<p>The dashboard needs JavaScript. The API does not.</p>
<p lang="zh-CN">控制台需要启用 JavaScript，API 则不需要。</p>
<p lang="ja">ダッシュボードには JavaScript が必要です。API には必要ありません。</p>
</noscript>
</body>
</html>
`;

const names = readdirSync(OUT).sort();
for (const name of names) {
  const bytes = readFileSync(join(OUT, name));
  writeFileSync(join(OUT, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(join(OUT, `${name}.br`), brotliCompressSync(bytes, { params }));
}
writeFileSync(join(OUT, 'index.html'), page);
writeFileSync(join(OUT, 'manifest.tsv'), names.map((name) => `${name}\t${TYPES[extname(name)]}\n`).join(''));
