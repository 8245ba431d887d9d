// One person from the first page to the last: with a pointer, and with nothing but a keyboard.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { admitCompany } from './billing.mjs';
import { dollars, nano, stage } from './harness.mjs';
import { ageConsents, enter, keyboard, leave, pointer, signUp } from './people.mjs';
import { settled } from './screens.mjs';

const here = stage();

const menu = (page, name) => page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name });

/** A key of the quickstart, which stays in the hands of the page. */
async function makeKey(page, hand) {
  await hand.press(page.getByRole('main').getByRole('button', { name: 'Create key' }));
  const key = (await page.locator('.secret').textContent()).trim();
  await hand.check(page.getByLabel('I have saved this key'));
  await hand.press(page.getByRole('button', { name: 'Done' }));
  return key;
}

async function topUp(page, context, hand) {
  await admitCompany(page, context);
  const from = here.site.output.length;
  await hand.press(page.getByRole('main').getByRole('link', { name: 'Top up' }));
  await settled(page);
  await hand.press(page.getByRole('button', { name: 'Continue to payment' }));
  await hand.press(page.getByRole('button', { name: 'Pay', exact: true }));
  await page.getByText('Credited: $20.00.').waitFor();
  await page.waitForFunction(() => document.querySelector('.side .balance')?.textContent.includes('$20.00'));
  await here.site.said(/Subject: .*Receipt for your top-up/, from);
}

/** Calls from outside, and looks at the receipt of it; returns what it cost. */
async function callAndCheck(page, hand, key) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(`${here.site.url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  assert.equal(response.status, 200, await response.text());
  await hand.press(menu(page, 'Requests'));
  await hand.press(page.locator('tbody a').first());
  const drawer = page.getByRole('dialog');
  await drawer.getByText('How the cost adds up').first().waitFor();
  const charged = nano(await drawer.locator('[data-charge]').getAttribute('data-charge'));
  const credits = await (await fetch(`${here.site.url}/v1/credits`, { headers })).json();
  assert.equal(charged, BigInt(credits.data.total_usage_nano));
  await hand.press(drawer.getByRole('button', { name: 'Close' }));
  await drawer.waitFor({ state: 'detached' });
  return charged;
}

/** The rows of a file that a page saves, by the names of their columns. */
async function rowsOf(page, hand) {
  await settled(page);
  const [file] = await Promise.all([page.waitForEvent('download'), hand.press(page.getByRole('button', { name: 'CSV' }))]);
  const [head, ...rows] = readFileSync(await file.path(), 'utf8').replace(/^\ufeff/, '').trim().split('\r\n');
  return rows.map((row) => Object.fromEntries(row.split(',').map((cell, index) => [head.split(',')[index], cell])));
}

/** Takes away what can be had as files: the usage, and the statement. */
async function exportAndCheck(page, hand, charged) {
  await hand.press(menu(page, 'Usage'));
  const usage = await rowsOf(page, hand);
  assert.equal(usage.reduce((sum, row) => sum + nano(row.cost), 0n), charged);
  await hand.press(menu(page, 'Billing'));
  const statement = await rowsOf(page, hand);
  assert.equal(statement.reduce((sum, row) => sum + nano(row.amount), 0n), dollars(20) - charged);
}

const ARCHIVE = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({name: archive.read(name).decode() for name in archive.namelist()}))
`;

/** Sees what is kept, and takes all of it away, once. */
async function takeArchive(page, hand, email) {
  await hand.press(menu(page, 'Settings'));
  await hand.press(page.getByRole('link', { name: 'Privacy and data' }));
  await settled(page);
  const kept = page.getByRole('table', { name: 'What is kept about you' });
  const requests = kept.getByRole('row').filter({ hasText: 'Request log' });
  assert.deepEqual((await requests.getByRole('cell').allInnerTexts()).slice(1, 4), ['1', '90 days', 'Database']);
  await hand.press(page.getByRole('button', { name: 'Ask for an archive' }));
  const archives = page.getByRole('table', { name: 'Take your data with you' });
  const [file] = await Promise.all([page.waitForEvent('download'), hand.press(archives.getByRole('button', { name: 'Download' }))]);
  assert.match(file.suggestedFilename(), /^aiduet-export-\d{4}-\d{2}-\d{2}\.zip$/);
  const files = JSON.parse(execFileSync(process.env.AIDUET_PYTHON ?? 'python3', ['-c', ARCHIVE, await file.path()], { encoding: 'utf8' }));
  const manifest = JSON.parse(files['manifest.json']);
  assert.deepEqual(new Set(manifest.files.map((each) => each.name)), new Set(Object.keys(files).filter((name) => name !== 'manifest.json')));
  assert.equal(JSON.parse(files['profile.json']).email, email);
  await archives.getByText('Downloaded').waitFor();
  assert.equal(await archives.getByRole('button').count(), 0, 'it is given once');
}

for (const [name, hand, email] of [['a pointer', pointer, 'ada@example.com'], ['the keyboard alone', keyboard, 'grace@example.com']]) {
  test(`sign up, make a key, pay, call, read the bill, take it away, leave, and stay after all, with ${name}`, async () => {
    await here.inContext(async (page, context) => {
      await signUp(page, here.site, email, hand);
      await enter(page, email, hand);
      await page.getByRole('heading', { name: 'Quickstart' }).waitFor();
      const key = await makeKey(page, hand);
      await topUp(page, context, hand);
      await exportAndCheck(page, hand, await callAndCheck(page, hand, key));
      await takeArchive(page, hand, email);
      const from = here.site.output.length;
      await leave(page, email, hand);
      const refused = await fetch(`${here.site.url}/v1/key`, { headers: { authorization: `Bearer ${key}` } });
      assert.equal(refused.status, 401, 'the key has stopped');
      // Whoever signs in sees the way back, and nothing else.
      await hand.press(page.getByRole('link', { name: 'Sign in' }));
      await enter(page, email, hand);
      await page.getByRole('heading', { name: 'This account is about to be deleted' }).waitFor();
      assert.equal(await page.getByRole('navigation').count(), 0);
      await page.getByRole('button', { name: 'Ask for an archive' }).waitFor();
      await hand.press(page.getByRole('button', { name: 'Keep my account' }));
      await page.getByRole('navigation', { name: 'Menu' }).waitFor();
      await page.goto('/dashboard/keys');
      await page.locator('.badge').getByText('Disabled').waitFor();
      // The link of the mail has nothing more to stop.
      await page.goto(await here.site.link('cancel-deletion', from));
      await hand.press(page.getByRole('button', { name: 'Keep my account' }));
      await page.getByRole('alert').waitFor();
    });
  });
}

test('a newer version of what was agreed to is shown on every page until it is agreed to', async () => {
  await here.inContext(async (page) => {
    const email = 'joan@example.com';
    await signUp(page, here.site, email);
    ageConsents(here.site, email);
    await enter(page, email);
    const agree = page.getByRole('button', { name: 'I agree' });
    await page.getByText('Privacy policy: a new version, in force from').waitFor();
    await page.getByText('Terms of service: a new version, in force from').waitFor();
    assert.equal(await agree.count(), 2);
    await agree.first().click();
    await page.waitForFunction(() => document.querySelectorAll('main > .notice').length === 1);
    await page.goto('/dashboard/settings/privacy');
    await settled(page);
    await agree.click();
    await agree.waitFor({ state: 'detached' });
    const rows = await page.getByRole('table', { name: 'What you agreed to' }).locator('tbody tr').allInnerTexts();
    assert.equal(rows.length, 4, 'what was agreed to before stays');
    await page.reload();
    await settled(page);
    assert.equal(await agree.count(), 0);
  });
});
