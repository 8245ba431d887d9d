// People beside the one of the demonstration: signing up and in, with a pointer or by keyboard.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export const PASSWORD = 'a quiet river bends under old stones';
const TABS_MAX = 120;

/** With a pointer. */
export const pointer = {
  type: (field, text) => field.fill(text),
  clear: (field) => field.fill(''),
  check: (box) => box.check({ force: true }),
  press: (control) => control.click(),
};

/** With the keyboard alone: whatever is to be used must be reached by Tab. */
export const keyboard = {
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
  async clear(field) {
    const keys = await this.reach(field);
    await keys.press('Control+a');
    await keys.press('Delete');
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

/** Signs up and confirms the address by the mail; ends at the sign-in. */
export async function signUp(page, site, email, hand = pointer) {
  const from = site.output.length;
  await page.goto('/dashboard/sign-in');
  await hand.press(page.getByRole('link', { name: 'Create an account' }));
  await hand.type(page.getByLabel('E-mail address'), email);
  await hand.type(page.getByLabel('Password', { exact: true }), PASSWORD);
  // With the versions of what is agreed to the label is longer, and the box moves.
  await page.locator('label a', { hasText: /\d/ }).first().waitFor();
  await hand.check(page.getByRole('checkbox'));
  await hand.press(page.getByRole('button', { name: 'Create account' }));
  await page.getByRole('heading', { name: 'Check your inbox' }).waitFor();
  await page.goto(await site.link('verify-email', from));
  await hand.press(page.getByRole('button', { name: 'Confirm' }));
  await page.getByText('Your address is confirmed').waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token stays in no address');
  await hand.press(page.getByRole('link', { name: 'Sign in' }));
}

export async function enter(page, email, hand = pointer) {
  await hand.type(page.getByLabel('E-mail address'), email);
  await hand.type(page.getByLabel('Password', { exact: true }), PASSWORD);
  await hand.press(page.getByRole('button', { name: 'Sign in' }));
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'));
}

/** Asks for the account to be deleted; ends at the page that says good-bye. */
export async function leave(page, email, hand = pointer) {
  await hand.press(page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Settings' }));
  await hand.press(page.getByRole('link', { name: 'Privacy and data' }));
  await hand.press(page.getByRole('main').getByRole('button', { name: 'Delete account' }));
  const dialog = page.getByRole('dialog');
  const field = dialog.getByLabel(`Type ${email} to confirm`);
  const choice = dialog.getByRole('radio', { name: 'Pay it back' });
  if ((await choice.count()) > 0) await hand.check(choice);
  await hand.type(field, 'someone@example.com');
  await hand.press(dialog.getByRole('button', { name: 'Delete account' }));
  await dialog.getByText('This is not the address of your account.').waitFor();
  await hand.clear(field);
  await hand.type(field, email);
  await hand.press(dialog.getByRole('button', { name: 'Delete account' }));
  await page.getByRole('heading', { name: 'Your account will be deleted' }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('aiduet.session')), null);
}

const AGE = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as books:
    books.execute("UPDATE consents SET version = '2026-01-01' WHERE account = (SELECT id FROM accounts WHERE email = ?)", [sys.argv[2]])
`;

/** Makes what somebody agreed to older than what is in force, as after a release with new texts. */
export function ageConsents(site, email) {
  execFileSync(process.env.AIDUET_PYTHON ?? 'python3', ['-c', AGE, join(site.directory, 'aiduet.db'), email]);
}
