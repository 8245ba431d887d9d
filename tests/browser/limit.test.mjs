// A limit of the month: set, seen, obeyed, and raised only by who knows the password.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { onBilling } from './billing.mjs';
import { Clock } from './clock.mjs';
import { nano, stage, traffic } from './harness.mjs';

const QUARTER_HOUR = 15 * 60;

const clock = new Clock();
clock.set(0);
const here = stage(
  async ({ site }) => {
    // More than a cent.
    for (let round = 0; round < 3; round += 1) await traffic(site);
  },
  { environment: clock.environment() },
);
after(() => clock.remove());

/** What a call is answered with now. */
async function call() {
  const response = await fetch(`${here.site.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${here.site.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const { error } = await response.json();
  return [response.status, error?.details.error_code];
}

test('a limit stops calls until it is raised, for which the password is asked', async () => {
  await onBilling(here, async (page) => {
    const card = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'Limit', exact: true }) });
    const save = async () => {
      const saved = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok());
      await card.getByRole('button', { name: 'Save' }).click();
      return saved;
    };
    await card.getByLabel('Limit what a month may cost').check({ force: true });
    await card.getByLabel('Limit of a month').fill('nothing');
    await card.getByRole('button', { name: 'Save' }).click();
    await card.locator('.field-error').waitFor();
    await card.getByLabel('Limit of a month').fill('0.01');
    await save();
    await card.getByText('The limit of $0.01 is reached.').waitFor();
    const { monthly } = await here.ask('/billing/limits');
    assert.equal(nano(monthly.amount), nano('0.01'));
    const spent = card.locator('.facts > div').filter({ hasText: 'Spent this month' }).locator('[title$="USD"]');
    assert.equal(nano(await spent.getAttribute('title')), nano(monthly.spent));
    assert.deepEqual(await call(), [402, 'account_limit_reached']);
    clock.set(QUARTER_HOUR + 60);
    await card.getByLabel('Limit of a month').fill('50');
    const raised = save();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Password', { exact: true }).fill(here.site.password);
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await raised;
    await card.getByText('The limit of $0.01 is reached.').waitFor({ state: 'detached' });
    assert.deepEqual(await call(), [200, undefined]);
    await card.getByLabel('Limit what a month may cost').uncheck({ force: true });
    const ended = await save();
    assert.deepEqual(await ended.json(), { monthly: null });
  });
});
