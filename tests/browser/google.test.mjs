// Signing in with Google, with another provider of OpenID Connect in its place: up, out, in, linked and
// unlinked, on the real binary.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLIENT, start } from '../oidc/provider.mjs';
import { EVERYTHING, load, none, violations } from './axe.mjs';
import { launch, open, signIn, Site } from './harness.mjs';

let site;
let browser;
let provider;

before(async () => {
  site = await Site.start(async (url) => {
    provider = await start(`${url}/api/v1/auth/google/callback`);
    return {
      AIDUET__SERVER__PUBLIC_URL: url,
      AIDUET__AUTH__GOOGLE__ISSUER: provider.issuer,
      AIDUET__AUTH__GOOGLE__CLIENT_ID: CLIENT.id,
      AIDUET__AUTH__GOOGLE__CLIENT_SECRET: CLIENT.secret,
    };
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await provider?.stop();
});

async function inContext(work, options) {
  const context = await open(browser, site, options);
  context.company = provider.issuer;
  const page = await context.newPage();
  await work(page, context);
  assert.deepEqual(context.faults, []);
  await context.close();
}

const google = (page) => page.getByRole('link', { name: 'Continue with Google' });

/** Says at the provider who it is; it remembers that for the context. */
async function answer(page, who) {
  await page.locator('input[name=who]').fill(who);
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('sign up with Google after accepting the policies, sign out, sign in', async () => {
  await inContext(async (page) => {
    await page.goto('/dashboard/sign-up');
    await page.getByRole('button', { name: 'Continue with Google' }).click();
    await page.getByText('Accept the terms and the privacy policy first.').waitFor();
    await page.getByRole('checkbox').check();
    await google(page).click();
    await answer(page, 'grace@example.com');
    await page.locator('.shell h1').waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard', 'no code stays in the address');
    await page.goto('/dashboard/settings');
    await page.getByText('grace@example.com').first().waitFor();
    await page.evaluate(() => localStorage.clear());
    await page.goto('/dashboard/keys');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await google(page).click();
    await page.getByRole('heading', { name: 'API keys' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/keys', 'back to where the person was');
  });
});

test('a person without an account is led to the policies, and one who goes back is told', async () => {
  await inContext(async (page) => {
    await page.goto('/dashboard/sign-in');
    await google(page).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('You went back from Google. Nothing has changed.').waitFor();
    await google(page).click();
    await answer(page, 'new@example.com');
    await page.getByText('There is no account for your Google account yet.').waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/sign-up');
    await google(page).waitFor({ state: 'detached' });
    await page.getByRole('checkbox').check();
    await google(page).click();
    await page.locator('.shell h1').waitFor();
  });
});

test('an address that is registered is linked by its password, and unlinked in the settings', async () => {
  await inContext(async (page) => {
    await page.goto('/dashboard/sign-in?return_to=%2Fsettings%2Fsecurity');
    await google(page).click();
    await answer(page, site.email);
    await page.getByText('There is an account with this address already.').waitFor();
    await page.getByText(site.email).waitFor();
    await page.locator('input[name=password]').fill('wrong, and wrong again');
    await page.getByRole('button', { name: 'Link and sign in' }).click();
    await page.getByText('The e-mail address or the password is wrong.').waitFor();
    await load(page);
    none(await violations(page, EVERYTHING));
    await page.locator('input[name=password]').fill(site.password);
    await page.getByRole('button', { name: 'Link and sign in' }).click();
    await page.getByText(/Linked on/).waitFor();
    await page.getByRole('button', { name: 'Unlink' }).click();
    await page.getByRole('link', { name: 'Link Google' }).waitFor();
    await page.reload();
    await page.getByText('Google sign-in unlinked').waitFor();
  });
});

test('another Google account is linked from the settings', async () => {
  await inContext(async (page) => {
    await signIn(page, site);
    await page.goto('/dashboard/settings/security');
    await page.getByRole('link', { name: 'Link Google' }).click();
    await answer(page, 'private@example.org');
    await page.getByText('to link the Google account private@example.org').waitFor();
    await page.locator('input[name=password]').fill(site.password);
    await page.getByRole('button', { name: 'Link and sign in' }).click();
    await page.getByText(/Linked on/).waitFor();
    await page.getByRole('link', { name: 'Settings' }).first().waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/settings/security');
  });
});

test('every refusal is explained in three languages, and nothing else is', async () => {
  const codes = ['cancelled', 'expired', 'refused', 'unverified', 'policies', 'taken', 'busy', 'unavailable'];
  for (const locale of ['en', 'zh-CN', 'ja']) {
    await inContext(async (page) => {
      const told = new Set();
      for (const code of codes) {
        await page.goto(`/dashboard/sign-in?google=${code}`);
        told.add(await page.locator('.notice').textContent());
      }
      assert.equal(told.size, codes.length);
      await page.goto('/dashboard/sign-in?google=%3Cimg%20src=x%3E');
      await page.getByRole('link', { name: /Google/ }).waitFor();
      assert.equal(await page.locator('.notice').count(), 0);
    }, { locale });
  }
});
