// The build: the same bytes wherever it is made, within its budgets.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Site } from './harness.mjs';

const SOURCE = new URL('../../dashboard/', import.meta.url).pathname;
const JS_BYTES_MAX = 70_000;
const CSS_BYTES_MAX = 14_000;

/** Builds a copy of the sources as build.rs does. */
function build() {
  const place = mkdtempSync(join(tmpdir(), 'aiduet-dashboard-'));
  for (const name of ['build.mjs', 'package.json', 'package-lock.json', 'src', 'locales', 'node_modules']) {
    cpSync(join(SOURCE, name), join(place, name), { recursive: true });
  }
  execFileSync('node', ['build.mjs'], { cwd: place });
  const dist = join(place, 'dist');
  const files = Object.fromEntries(readdirSync(dist).map((name) => [name, readFileSync(join(dist, name))]));
  rmSync(place, { recursive: true });
  return files;
}

test('two builds in two places are the same, and the binary serves that one', async () => {
  const [one, other] = [build(), build()];
  assert.deepEqual(Object.keys(one), Object.keys(other));
  for (const name of Object.keys(one)) assert.ok(one[name].equals(other[name]), `${name} differs`);
  const site = await Site.start();
  try {
    const page = await (await fetch(`${site.url}/dashboard`)).text();
    assert.equal(page, one['index.html'].toString());
    for (const [, name] of page.matchAll(/\/dashboard\/assets\/([^"]+)"/g)) {
      const served = Buffer.from(await (await fetch(`${site.url}/dashboard/assets/${name}`)).arrayBuffer());
      assert.ok(served.equals(one[name]), name);
    }
  } finally {
    await site.stop();
  }
});

test('what a page loads stays within its budgets', () => {
  const files = build();
  const sizes = (pattern) => Object.entries(files).filter(([name]) => pattern.test(name)).map(([, bytes]) => gzipSync(bytes, { level: 9 }).length);
  const languages = sizes(/^(en|zh-CN|ja)-.*\.js$/);
  assert.equal(languages.length, 3);
  const sum = (all) => all.reduce((total, each) => total + each, 0);
  // A page loads one language: the largest.
  const script = sum(sizes(/\.js$/)) - sum(languages) + Math.max(...languages);
  assert.ok(script <= JS_BYTES_MAX, `${script} bytes of JavaScript`);
  const style = sum(sizes(/\.css$/));
  assert.ok(style <= CSS_BYTES_MAX, `${style} bytes of CSS`);
});
