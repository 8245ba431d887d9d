// What usage, requests and the overview show is what the API says, and that is what the ledger says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nano, stage, traffic } from './harness.mjs';
import { settled } from './screens.mjs';

const ZONES = ['Asia/Shanghai', 'Asia/Kolkata', 'America/Los_Angeles'];

const here = stage(({ site }) => traffic(site));
const { ask, signedIn } = here;

/** The whole amount behind what is shown of a fact. */
async function amount(page, name) {
  const value = page.locator('.facts > div, .figures > div').filter({ has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).first();
  return nano(await value.locator('[title$="USD"]').first().getAttribute('title'));
}

test('the sum of the log, of the charts and of the ledger is one number, in every zone', async () => {
  const { data } = await ask('/requests?limit=100');
  assert.ok(data.length >= 7);
  const sum = data.reduce((all, { cost }) => all + nano(cost), 0n);
  const credits = await (await fetch(`${here.site.url}/v1/credits`, { headers: { authorization: `Bearer ${here.site.key}` } })).json();
  assert.equal(sum, BigInt(credits.data.total_usage_nano), 'the log adds up to the ledger');
  for (const timezoneId of ZONES) {
    await signedIn(
      async (page) => {
        await page.goto('/dashboard/usage?range=7d');
        await settled(page);
        assert.equal(await amount(page, 'Cost'), sum, `usage in ${timezoneId}`);
        const rows = await page.locator('tbody tr td:nth-child(6) [title]').evaluateAll((cells) => cells.map((cell) => cell.title));
        assert.equal(rows.map(nano).reduce((all, each) => all + each, 0n), sum, `breakdown in ${timezoneId}`);
        assert.equal(nano(await page.locator('tfoot [title$="USD"]').getAttribute('title')), sum);
        await page.goto('/dashboard');
        await settled(page);
        assert.equal(await amount(page, 'Cost'), sum, `overview in ${timezoneId}`);
      },
      { timezoneId },
    );
  }
});

test('the bill of a request is recomputed from what the screen shows', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/requests');
    await settled(page);
    await page.locator('tbody tr', { hasText: 'claude-haiku-4-5' }).first().click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('How the cost adds up').waitFor();
    const id = new URL(page.url()).pathname.split('/').at(-1);
    const lines = await drawer.getByRole('table', { name: 'How the cost adds up' }).locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.querySelector('[title]')?.title ?? cell.innerText)));
    const pico = lines.reduce((sum, [, quantity, rate]) => sum + BigInt(quantity.replaceAll(',', '')) * (nano(rate) / 1_000n), 0n);
    const charged = await drawer.locator('[data-charge]').getAttribute('data-charge');
    assert.equal((pico + 999n) / 1_000n, nano(charged));
    assert.ok((await drawer.innerText()).includes('Prompts and replies are never stored'));
    const receipt = await (await fetch(`${here.site.url}/v1/generation?id=${id}`, { headers: { authorization: `Bearer ${here.site.key}` } })).json();
    assert.equal(nano(charged), BigInt(receipt.data.cost_nano), 'the receipt of the gateway says the same');
    await page.keyboard.press('j');
    await page.waitForFunction((before) => !location.pathname.endsWith(before), id);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => location.pathname === '/dashboard/requests');
  });
});

test('filters are in the address: a link, a way back, a reload', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/requests');
    await settled(page);
    const all = await page.locator('tbody tr').count();
    await page.getByLabel('Model', { exact: true }).selectOption('gpt-5.4-mini');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('model') === 'gpt-5.4-mini');
    await page.waitForFunction((before) => document.querySelectorAll('tbody tr').length < before, all);
    assert.equal(await page.locator('tbody tr').count(), 2);
    await page.getByLabel('Period').selectOption('30d');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('range') === '30d');
    assert.equal(new URL(page.url()).searchParams.get('model'), 'gpt-5.4-mini', 'another range keeps the filter');
    await page.reload();
    await settled(page);
    assert.equal(await page.locator('tbody tr').count(), 2);
    await page.goBack();
    await page.goBack();
    await page.waitForFunction((before) => document.querySelectorAll('tbody tr').length === before, all);
    await page.getByLabel('Status', { exact: true }).selectOption('server_error');
    await page.getByText('Nothing matches.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.waitForFunction((before) => document.querySelectorAll('tbody tr').length === before, all);
  });
});

test('a chart is read by keyboard, and is a table too', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/usage?range=7d&metric=requests');
    await settled(page);
    await page.getByRole('img', { name: /Requests over time/ }).focus();
    await page.keyboard.press('End');
    await page.locator('.reading', { hasText: /^\d{4}-\d\d-\d\d, \d+, / }).waitFor();
    const reading = await page.locator('.reading').innerText();
    await page.getByRole('button', { name: 'Show as table' }).click();
    const cells = await page.getByRole('table', { name: /Requests over time/ }).locator('tbody tr').last().locator('td').allInnerTexts();
    assert.ok(reading.startsWith(cells[0]));
    const total = Number(reading.split(', ')[1]);
    assert.equal(cells.slice(1).reduce((sum, text) => sum + Number(text), 0), total);
  });
});

test('files hold the same rows, with the zone in their name', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/usage?range=7d');
    await settled(page);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    assert.match(file.suggestedFilename(), /^aiduet-usage-\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d-Asia-Shanghai\.csv$/);
    const text = readFileSync(await file.path(), 'utf8');
    assert.equal(text[0], '\uFEFF');
    const [head, ...rows] = text.slice(1).trim().split('\r\n');
    const at = head.split(',').indexOf('cost');
    const { total } = await ask('/usage/series?tz=Asia/Shanghai');
    assert.equal(rows.map((row) => nano(row.split(',')[at])).reduce((sum, each) => sum + each, 0n), nano(total.cost));
  });
});
