// What the quickstart shows is copied and run as it stands: by bash, by Python and by Node.js, with a
// key of the page and with one in the environment.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { stage } from './harness.mjs';
import { settled } from './screens.mjs';

/** An interpreter with the SDKs of both vendors (tests/requirements.txt). */
const PYTHON = process.env.AIDUET_PYTHON ?? 'python3';

const here = stage();

/** Each as a program: its language is in its name. */
function command(name, code) {
  if (name.startsWith('Python')) return [PYTHON, ['-c', code]];
  if (name.startsWith('TypeScript')) return ['node', ['--input-type=module', '--eval', code]];
  // The tool itself is run in tests/npm; here it tells where it would call.
  if (name === 'Claude Code') return ['bash', ['-euc', `claude() { curl -sf "$ANTHROPIC_BASE_URL/v1/key" -H "Authorization: Bearer $ANTHROPIC_AUTH_TOKEN"; }\n${code}`]];
  if (name === 'Codex CLI') return [PYTHON, ['-c', `import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))`, code]];
  return ['bash', ['-euo', 'pipefail', '-c', code]];
}

async function copied(page) {
  await page.getByRole('main').getByRole('button', { name: 'Copy', exact: true }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

async function usedBy(key) {
  const response = await fetch(`${here.site.url}/v1/credits`, { headers: { authorization: `Bearer ${key}` } });
  return BigInt((await response.json()).data.total_usage_nano);
}

/** Runs the snippets of the page that is shown, or some of them. */
async function run(page, key, environment, only = /./) {
  const tabs = page.getByRole('group', { name: 'Snippets' }).getByRole('button');
  const names = await tabs.allInnerTexts();
  assert.ok(names.length >= 8);
  for (const name of names.filter((each) => only.test(each))) {
    await tabs.getByText(name, { exact: true }).click();
    const code = await copied(page);
    const before = await usedBy(key);
    const [program, options] = command(name, code);
    const { status, stdout, stderr } = spawnSync(program, options, { env: { PATH: process.env.PATH, HOME: here.site.directory, ...environment }, encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, `${name}\n${code}\n${stdout}\n${stderr}`);
    assert.ok(stdout.trim() !== '' && !stdout.includes('"error"'), `${name}: ${stdout}`);
    if (name === 'Codex CLI') {
      const provider = JSON.parse(stdout).model_providers.aiduet;
      assert.deepEqual([provider.base_url, provider.env_key, provider.wire_api], [`${here.site.url}/v1`, 'AIDUET_API_KEY', 'responses']);
    } else if (name !== 'Claude Code') {
      assert.ok((await usedBy(key)) > before, `${name} was charged`);
    }
  }
}

test('every snippet runs as it is copied', async () => {
  await here.signedIn(
    async (page) => {
      await page.goto('/dashboard/quickstart');
      await settled(page);
      await run(page, here.site.key, { AIDUET_API_KEY: here.site.key });
      await page.getByRole('button', { name: 'Create key' }).click();
      const key = (await page.locator('.secret').textContent()).trim();
      await page.getByLabel('I have saved this key').check();
      await page.getByRole('button', { name: 'Done' }).click();
      await run(page, key, {}, /^curl|openai$/);
      assert.ok(!(await page.locator('pre').innerText()).includes(key), 'the key is copied, and not shown again');
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  );
});
