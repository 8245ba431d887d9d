// The list of keys: what each has cost and how far it is in its limits; and what helps to make one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nano, stage } from './harness.mjs';
import { settled } from './screens.mjs';

const HELLO = [{ role: 'user', content: 'Hello' }];
const keys = {};

async function call(site, key) {
  const response = await fetch(`${site.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: HELLO, max_completion_tokens: 64 }),
  });
  return response.text();
}

const { signedIn, ask } = stage(async ({ site, ask }) => {
  for (const [name, spend] of [['spacious', { day: '5', month: '20' }], ['tight', { total: '0.01' }]]) {
    keys[name] = await ask('/keys', { method: 'POST', body: { name, limits: { spend } } });
    await call(site, keys[name].key);
  }
  // A limit that its spending has reached.
  const { spend } = await ask(`/keys/${keys.tight.id}`);
  await ask(`/keys/${keys.tight.id}`, { method: 'PATCH', body: { limits: { spend: { total: spend[0].spent } } } });
});

test('the list tells what each key has cost, how far it is, and which is at its limit', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/keys');
    await settled(page);
    const rowOf = (name) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
    const costs = await ask('/usage/breakdown?group_by=key&tz=Asia/Shanghai');
    const cost = costs.data.find(({ group }) => group === keys.spacious.id).cost;
    await page.waitForFunction(() => [...document.querySelectorAll('td[data-title="Cost, 30 days"] .num')].some((each) => !each.title.startsWith('0.000000000')));
    for (const column of ['Cost today', 'Cost, 7 days', 'Cost, 30 days']) {
      assert.equal(nano(await rowOf('spacious').locator(`td[data-title="${column}"] .num`).getAttribute('title')), nano(cost), column);
    }
    assert.equal(await rowOf('spacious').getByRole('meter').count(), 2, 'a bar for each limit');
    await rowOf('spacious').getByText('Active').waitFor();
    await rowOf('tight').getByText('Limit reached').waitFor();
    assert.equal(await rowOf('demo').getByText('No limit').count(), 1);
  });
});

test('a new key comes with a call that runs, one\'s own address, and all models of a provider', async () => {
  await signedIn(
    async (page) => {
      await page.goto('/dashboard/keys?new=1');
      await page.getByLabel('Name').fill('helped');
      await page.getByText('Rate limits, models, networks').click();
      const own = page.getByLabel(/^Allowed addresses/);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      assert.equal(await own.inputValue(), '127.0.0.1/32');
      await page.getByRole('radio', { name: 'Only some' }).check({ force: true });
      await page.getByRole('button', { name: 'All of Anthropic' }).click();
      const chosen = await page.locator('dialog .checks input:checked').count();
      const { data } = await (await fetch(new URL('/api/v1/models', page.url()))).json();
      assert.equal(chosen, data.filter(({ provider }) => provider === 'anthropic').length);
      await page.locator('dialog').getByRole('button', { name: 'Create key' }).click();
      const key = (await page.locator('.secret').textContent()).trim();
      await page.getByText('A first call with it').click();
      await page.getByRole('button', { name: 'Copy the call' }).click();
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      const code = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(code.startsWith('curl ') && code.includes(key) && code.includes('"model": "duet"'), code);
      await page.getByLabel('I have saved this key').check();
      await page.getByRole('button', { name: 'Done' }).click();
      const made = (await ask('/keys')).data.find(({ name }) => name === 'helped');
      assert.deepEqual(made.limits.networks, ['127.0.0.1/32']);
      assert.equal(made.limits.models.length, chosen);
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  );
});

test('where the browser copies nothing, the text is selected to be copied by hand', async () => {
  await signedIn(async (page) => {
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new Error('no')) } });
    });
    await page.goto(`/dashboard/keys/${keys.spacious.id}`);
    await settled(page);
    await page.getByRole('button', { name: 'Copy the id' }).click();
    await page.getByText(/Ctrl/).last().waitFor();
    assert.equal(await page.evaluate(() => getSelection().toString()), keys.spacious.id);
  });
});

test('the page of a key tells what was done with it, and each change at once', async () => {
  await signedIn(async (page) => {
    await page.goto(`/dashboard/keys/${keys.tight.id}`);
    await settled(page);
    const lines = page.getByRole('table', { name: 'Changes' }).locator('tbody tr');
    await lines.first().waitFor();
    const events = async () => (await lines.locator('td[data-title="Event"]').allInnerTexts()).map((text) => text.trim());
    assert.deepEqual(await events(), ['API key changed · Spend limit', 'API key created']);
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable', exact: true }).click();
    await page.getByText('API key changed · Disabled').waitFor();
    assert.equal((await events()).length, 3);
  });
});
