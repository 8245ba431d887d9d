// What a purchase comes to, the cards that are kept, invoices, and being told of what is spent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOut, onBilling } from './billing.mjs';
import { nano, stage, traffic } from './harness.mjs';
import { settled } from './screens.mjs';

const here = stage(async ({ site }) => {
  // More than a cent.
  for (let round = 0; round < 3; round += 1) await traffic(site);
});
const { ask } = here;

/** The amounts of a card by their names, exactly where they are told exactly. */
const lines = (card) => card.locator('.facts > div').evaluateAll((all) => Object.fromEntries(all.map((each) => [each.querySelector('dt').innerText, each.querySelector('[title$="USD"]')?.title ?? each.querySelector('dd').innerText])));

test('what a purchase comes to is told before it is made, and again when the amount changes', async () => {
  await onBilling(here, async (page) => {
    const card = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'Top up' }) });
    for (const [choice, amount] of [['$50', '50.00'], ['$20', '20.00']]) {
      await page.getByRole('radio', { name: choice, exact: true }).check({ force: true });
      const quote = await ask('/billing/topups/quote', { method: 'POST', body: { amount } });
      await page.waitForFunction((total) => [...document.querySelectorAll('.facts dd strong')].some((each) => each.innerText === total), `$${amount}`);
      const told = await lines(card);
      assert.equal(nano(told.Credit), nano(quote.credit));
      assert.equal(nano(told.Fee), nano(quote.fee));
      assert.equal(nano(told.Total), nano(quote.total));
    }
    await page.getByRole('radio', { name: 'Other' }).check({ force: true });
    await page.getByLabel('Amount in USD').fill('a lot');
    await card.getByText('Total').waitFor({ state: 'detached' });
  });
});

test('a card is kept, seen, charged by auto-recharge and removed; its purchase has an invoice', async () => {
  await onBilling(here, async (page, context) => {
    await page.getByText('No card is kept.').waitFor();
    await page.getByLabel('Keep the card for auto-recharge').check({ force: true });
    await checkOut(page, context, '$10');
    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await page.getByText('Credited: $10.00.').waitFor();
    await settled(page);
    const cards = page.getByRole('table', { name: 'Kept cards' });
    const { data: [kept] } = await ask('/billing/payment-methods');
    await cards.getByText(`•••• ${kept.last4}`).waitFor();
    const { data: invoices } = await ask('/billing/invoices');
    const rows = await page.getByRole('table', { name: 'Invoices' }).locator('tbody tr').count();
    assert.ok(rows > 0);
    assert.equal(rows, invoices.length);
    await ask('/billing/auto-recharge', { method: 'PUT', body: { enabled: true, threshold: '1', amount: '10', monthly_max: '50' } });
    await page.reload();
    await settled(page);
    await cards.getByText('Auto-recharge').waitFor();
    await cards.getByRole('button', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Auto-recharge uses this card and ends with it.').waitFor();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('No card is kept.').waitFor();
    await settled(page);
    assert.ok(!(await page.getByLabel('Recharge automatically').isChecked()));
    assert.deepEqual((await ask('/billing/payment-methods')).data, []);
  });
});

test('what is spent in a day and in a month is told once it is reached', async () => {
  await onBilling(here, async (page) => {
    const card = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'Alerts' }) });
    const save = () => card.getByRole('button', { name: 'Save' }).click();
    await card.getByLabel('Tell me of what I spend in a day').check({ force: true });
    await card.getByLabel('When a day’s spending reaches').fill('0.00');
    await save();
    await card.locator('.field-error').waitFor();
    await card.getByLabel('When a day’s spending reaches').fill('0.01');
    await card.getByLabel('Tell me of my monthly budget').check({ force: true });
    await card.getByLabel('Budget of a month').fill('1000');
    await save();
    await card.getByText(/^Today: \$.* of \$0\.01 spent\.$/).waitFor();
    assert.equal(await card.getByText('of the budget is reached').count(), 0);
    const kept = await ask('/billing/alerts');
    assert.equal(nano(kept.daily_spend.amount), nano('0.01'));
    assert.equal(nano(kept.monthly_budget.amount), nano('1000'));
    await page.reload();
    await settled(page);
    assert.equal(await card.getByLabel('Budget of a month').inputValue(), '1000');
    const saved = page.waitForResponse((response) => response.request().method() === 'PUT');
    await card.getByLabel('Tell me of my monthly budget').uncheck({ force: true });
    await save();
    await saved;
    assert.equal((await ask('/billing/alerts')).monthly_budget, null);
  });
});

test('the balance shows of what it consists, and when each part of it expires', async () => {
  await here.signedIn(async (page) => {
    await page.goto('/dashboard/billing');
    await settled(page);
    const { lots, posted } = await ask('/billing/balance');
    assert.ok(lots.length > 0);
    assert.equal(lots.reduce((sum, { amount }) => sum + nano(amount), 0n), nano(posted));
    const table = page.getByRole('table', { name: 'What it consists of' });
    const rows = await table.locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
    assert.deepEqual(rows.map(([kind, until]) => [kind, until]), lots.map(({ kind, expires_at: until }) => [kind === 'paid' ? 'Paid credit' : 'Promotional credit', until ? until.slice(0, 10) : 'Does not expire']));
  });
});
