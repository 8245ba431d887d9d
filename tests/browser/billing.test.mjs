// Credit is bought on the page of the (simulated) card company, and every line adds up.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkOut, onBilling } from './billing.mjs';
import { dollars, nano, stage, traffic } from './harness.mjs';
import { settled } from './screens.mjs';

const here = stage(({ site }) => traffic(site));

async function available(page) {
  const fact = page.locator('.card .facts > div').filter({ hasText: 'Available' }).first();
  return nano(await fact.locator('[title$="USD"]').getAttribute('title'));
}

test('credit is bought, told, and on the statement', async () => {
  await onBilling(here, async (page, context) => {
    const before = await available(page);
    const { id } = await checkOut(page, context, '$20');
    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await page.getByText('Credited: $20.00.').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('topup'), id);
    await page.waitForFunction((text) => document.querySelector('.side .balance')?.textContent.includes(text), '$24.9');
    await settled(page);
    assert.equal(await available(page), before + dollars(20));
    const rows = await page.getByRole('table', { name: 'Transactions' }).locator('tbody tr').evaluateAll((all) => all.map((row) => [row.cells[1].innerText, ...[...row.querySelectorAll('[title$="USD"]')].map((cell) => cell.title)]));
    assert.ok(rows.some(([kind]) => kind.includes('Top-up')));
    assert.ok(rows.some(([kind]) => kind.includes('Usage')));
    // Each balance is that of the line below and its own amount.
    for (const [index, [, amount, balance]] of rows.entries()) {
      const below = rows[index + 1];
      assert.equal(nano(balance), nano(amount) + (below ? nano(below[2]) : 0n));
    }
    assert.equal(nano(rows[0][2]), await available(page));
    await page.getByRole('button', { name: 'Close' }).click();
    await page.waitForFunction(() => location.search === '');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    assert.equal(readFileSync(await file.path(), 'utf8').trim().split('\n').length, rows.length + 1);
  });
});

test('who turns back has paid nothing, and is told so', async () => {
  await onBilling(here, async (page, context) => {
    const before = await available(page);
    await checkOut(page, context, '$10');
    await page.getByRole('button', { name: 'Go back' }).click();
    await page.getByText('Nothing was paid, and nothing was charged.').waitFor();
    await settled(page);
    assert.equal(await available(page), before);
  });
});

test('a payment that is late is waited for, with a reference and without paying again', async () => {
  await onBilling(here, async (page) => {
    await page.clock.install();
    let state = 'open';
    await page.route('**/api/v1/billing/topups/topup_late', (route) => route.fulfill({ json: { id: 'topup_late', state, amount: '20', tax: null, checkout_url: null, created_at: new Date().toISOString(), paid_at: null } }));
    await page.goto('/dashboard/billing?topup=topup_late');
    await page.getByText('Payment received. Crediting your balance…').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Continue to payment' }).isDisabled());
    assert.ok(!(await page.getByText('topup_late').isVisible()));
    for (let second = 0; second < 64; second += 2) {
      const asked = page.waitForResponse('**/billing/topups/topup_late');
      await page.clock.runFor(2_000);
      await asked;
    }
    await page.getByText('You need not pay again').waitFor();
    await page.getByText('topup_late').waitFor();
    state = 'paid';
    await page.clock.runFor(4_000);
    await page.getByText('Credited: $20.00.').waitFor();
  });
});

test('an amount that cannot be paid is refused beside its field', async () => {
  await onBilling(here, async (page) => {
    await page.getByRole('radio', { name: 'Other' }).check({ force: true });
    await page.getByLabel('Amount in USD').fill('a lot');
    await page.getByRole('button', { name: 'Continue to payment' }).click();
    await page.getByText('Write an amount above zero').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true');
    await page.getByLabel('Amount in USD').fill('1');
    await page.getByRole('button', { name: 'Continue to payment' }).click();
    await page.locator('.field-error').waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/billing');
  });
});
