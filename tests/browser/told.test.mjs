// What a person is told, and chooses to be told: mails, a low balance, the first request, how pages look.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';
import { settled } from './screens.mjs';

const here = stage();
const { signedIn, ask } = here;

async function call(key) {
  const response = await fetch(`${here.site.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  await response.text();
  return response.headers.get('x-request-id');
}

test('the quickstart sees a request that was made elsewhere, once and of itself', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/quickstart');
    await settled(page);
    await page.getByText('This page listens').waitFor();
    // It has looked once by now.
    await page.waitForLoadState('networkidle');
    const { key } = await ask('/keys', { method: 'POST', body: { name: 'terminal' } });
    const id = await call(key);
    await page.getByText('Your request has arrived.').waitFor();
    assert.equal(await page.locator('.notice.good code').last().textContent(), id);
    await page.getByRole('link', { name: 'See its receipt' }).click();
    await page.getByRole('dialog').getByText(id).waitFor();
  });
});

test('mails that may be turned off are, and stay so', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/settings/notifications');
    await settled(page);
    const box = page.getByLabel('A sign-in on a new device');
    assert.equal(await box.isChecked(), true);
    await box.uncheck();
    await page.locator('form').filter({ has: box }).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved').first().waitFor();
    assert.deepEqual(await ask('/me/notifications'), { key_expiry: true, new_sign_in: false, balance_empty: true });
    await page.reload();
    await settled(page);
    assert.equal(await page.getByLabel('A sign-in on a new device').isChecked(), false);
    await page.getByText('These cannot be turned off').waitFor();
  });
});

test('a low balance is told on the overview until tomorrow', async () => {
  await ask('/billing/alerts', { method: 'PUT', body: { low_balance: { threshold: '100', email: false } } });
  await signedIn(async (page) => {
    await page.goto('/dashboard');
    await settled(page);
    const banner = page.locator('.banners .notice.warn', { hasText: 'Available balance $' });
    await banner.getByRole('link', { name: 'Top up' }).waitFor();
    await banner.getByRole('button', { name: 'Hide until tomorrow' }).click();
    await banner.waitFor({ state: 'detached' });
    await page.reload();
    await settled(page);
    assert.equal(await banner.count(), 0);
    await page.clock.setFixedTime(Date.now() + 25 * 3_600_000);
    await page.goto('/dashboard');
    await banner.waitFor();
  });
});

test('pages begin as a person prefers', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/settings/preferences');
    await settled(page);
    await page.getByLabel('Period to begin with').selectOption('30d');
    await page.getByLabel('Low rows in tables').check();
    await page.getByLabel('Language').first().waitFor();
    await page.goto('/dashboard/requests');
    await settled(page);
    assert.equal(await page.getByLabel('Period').inputValue(), '30d');
    const high = await page.locator('tbody td').first().evaluate((cell) => getComputedStyle(cell).paddingTop);
    assert.equal(high, '4px');
  });
});
