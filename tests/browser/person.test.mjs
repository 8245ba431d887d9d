// One person from the first page to the last: with a pointer, and with nothing but a keyboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nano, stage } from './harness.mjs';
import { settled } from './screens.mjs';

const PASSWORD = 'a quiet river bends under old stones';
const TABS_MAX = 120;

const here = stage();

/** With a pointer. */
const pointer = {
  type: (field, text) => field.fill(text),
  check: (box) => box.check({ force: true }),
  press: (control) => control.click(),
};

/** With the keyboard alone: whatever is to be used must be reached by Tab. */
const keyboard = {
  async reach(control) {
    await control.first().waitFor();
    const page = control.page();
    const isReached = () => control.first().evaluate((own) => own === document.activeElement);
    for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
      if (await isReached()) return page.keyboard;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab never reaches ${control}`);
  },
  async type(field, text) {
    const keys = await this.reach(field);
    await keys.type(text);
  },
  async check(box) {
    const keys = await this.reach(box);
    if (!(await box.first().isChecked())) await keys.press('Space');
  },
  async press(control) {
    const keys = await this.reach(control);
    await keys.press('Enter');
  },
};

async function signUp(page, hand, email) {
  const from = here.site.output.length;
  await page.goto('/dashboard/sign-in');
  await hand.press(page.getByRole('link', { name: 'Create an account' }));
  await hand.type(page.getByLabel('E-mail address'), email);
  await hand.type(page.getByLabel('Password', { exact: true }), PASSWORD);
  await hand.check(page.getByRole('checkbox'));
  await hand.press(page.getByRole('button', { name: 'Create account' }));
  await page.getByRole('heading', { name: 'Check your inbox' }).waitFor();
  await page.goto(await here.site.link('verify-email', from));
  await hand.press(page.getByRole('button', { name: 'Confirm' }));
  await page.getByText('Your address is confirmed').waitFor();
  await hand.press(page.getByRole('link', { name: 'Sign in' }));
}

async function signIn(page, hand, email) {
  await hand.type(page.getByLabel('E-mail address'), email);
  await hand.type(page.getByLabel('Password', { exact: true }), PASSWORD);
  await hand.press(page.getByRole('button', { name: 'Sign in' }));
}

/** A key of the quickstart, which stays in the hands of the page. */
async function makeKey(page, hand) {
  await hand.press(page.getByRole('main').getByRole('button', { name: 'Create key' }));
  const key = (await page.locator('.secret').textContent()).trim();
  await hand.check(page.getByLabel('I have saved this key'));
  await hand.press(page.getByRole('button', { name: 'Done' }));
  return key;
}

async function topUp(page, context, hand) {
  await page.route('**/api/v1/billing/topups', async (route) => {
    const response = await route.fetch();
    context.cardCompany = new URL((await response.json()).checkout_url).origin;
    await route.fulfill({ response });
  });
  await hand.press(page.getByRole('main').getByRole('link', { name: 'Top up' }));
  await settled(page);
  await hand.press(page.getByRole('button', { name: 'Continue to payment' }));
  await hand.press(page.getByRole('button', { name: 'Pay', exact: true }));
  await page.getByText('Credited: $20.00.').waitFor();
  await page.waitForFunction(() => document.querySelector('.side .balance')?.textContent.includes('$20.00'));
}

/** Calls from outside, and looks at what it cost. */
async function callAndCheck(page, hand, key) {
  const response = await fetch(`${here.site.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  assert.equal(response.status, 200, await response.text());
  await hand.press(page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Requests' }));
  await hand.press(page.locator('tbody a').first());
  const drawer = page.getByRole('dialog');
  await drawer.getByText('How the cost adds up').first().waitFor();
  const charged = await drawer.locator('[data-charge]').getAttribute('data-charge');
  const credits = await (await fetch(`${here.site.url}/v1/credits`, { headers: { authorization: `Bearer ${key}` } })).json();
  assert.equal(nano(charged), BigInt(credits.data.total_usage_nano));
  await hand.press(drawer.getByRole('button', { name: 'Close' }));
  await drawer.waitFor({ state: 'detached' });
}

async function leave(page, hand, email) {
  await hand.press(page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Settings' }));
  await hand.press(page.getByRole('link', { name: 'Privacy and data' }));
  await hand.press(page.getByRole('main').getByRole('button', { name: 'Delete account' }));
  const dialog = page.getByRole('dialog');
  await hand.check(dialog.getByRole('radio', { name: 'Pay it back' }));
  await hand.type(dialog.getByLabel(`Type ${email} to confirm`), 'someone@example.com');
  await hand.press(dialog.getByRole('button', { name: 'Delete account' }));
  await dialog.getByText('This is not the address of your account.').waitFor();
  await dialog.getByLabel(`Type ${email} to confirm`).fill('');
  await hand.type(dialog.getByLabel(`Type ${email} to confirm`), email);
  await hand.press(dialog.getByRole('button', { name: 'Delete account' }));
  await page.getByRole('heading', { name: 'Your account will be deleted' }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('aiduet.session')), null);
}

for (const [name, hand, email] of [['a pointer', pointer, 'ada@example.com'], ['the keyboard alone', keyboard, 'grace@example.com']]) {
  test(`sign up, make a key, pay, call, read the bill, leave, and stay after all, with ${name}`, async () => {
    await here.inContext(async (page, context) => {
      await signUp(page, hand, email);
      await signIn(page, hand, email);
      await page.getByRole('heading', { name: 'Quickstart' }).waitFor();
      const key = await makeKey(page, hand);
      await topUp(page, context, hand);
      await callAndCheck(page, hand, key);
      const from = here.site.output.length;
      await leave(page, hand, email);
      const refused = await fetch(`${here.site.url}/v1/key`, { headers: { authorization: `Bearer ${key}` } });
      assert.equal(refused.status, 401, 'the key has stopped');
      // Whoever signs in sees the way back, and nothing else.
      await hand.press(page.getByRole('link', { name: 'Sign in' }));
      await signIn(page, hand, email);
      await page.getByRole('heading', { name: 'This account is about to be deleted' }).waitFor();
      assert.equal(await page.getByRole('navigation').count(), 0);
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
