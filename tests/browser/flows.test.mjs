// What people do, from the first page to the last, on the real binary.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, signIn, stage } from './harness.mjs';
import { PASSWORD, signUp } from './people.mjs';

const OTHER_PASSWORD = 'nine lanterns drift past the harbour';

const here = stage();
const { inContext, signedIn } = here;

test('sign up, confirm, make a key, see it once', async () => {
  await inContext(async (page, context) => {
    await signUp(page, here.site, 'ada@example.com');
    await signIn(page, here.site, { email: 'ada@example.com', password: PASSWORD });
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByText('No keys yet').waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Create key' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create key' }).click();
    await dialog.getByText('Give the key a name.').waitFor();
    await dialog.getByLabel('Name').fill('laptop');
    await dialog.getByLabel('Per day').fill('1.50');
    await dialog.getByRole('button', { name: 'Create key' }).click();
    const secret = page.locator('.secret');
    await secret.waitFor();
    const text = (await secret.textContent()).trim();
    assert.match(text, /^sk-duet-[0-9A-Za-z]+$/);
    assert.ok(await page.getByRole('button', { name: 'Done' }).isDisabled());
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    assert.ok(await secret.isVisible(), 'Escape does not close what is shown once');
    await page.getByLabel('I have saved this key').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name: 'laptop' }).waitFor();
    await page.getByText('$0.00 / $1.50 a day').waitFor();
    await page.getByText('$0.00 / $20.00 a month').waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href + document.body.innerText);
    assert.ok(!kept.includes(text), 'the key is kept nowhere');
    // It works, and says so itself.
    const used = await context.request.get('/v1/key', { headers: { authorization: `Bearer ${text}` } });
    assert.equal((await used.json()).data.limits.spend.day, '1.500000000');
  });
});

test('a key is edited, disabled, enabled, rotated and deleted', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/keys');
    await page.getByRole('link', { name: 'demo' }).click();
    const act = async (name) => page.getByRole('main').getByRole('button', { name, exact: true }).first().click();
    const dialog = page.getByRole('dialog');
    const confirm = (name) => dialog.getByRole('button', { name, exact: true }).click();
    await act('Edit');
    await dialog.getByLabel('Per month').fill('12');
    await dialog.getByLabel('Calls at a time').fill('many');
    await confirm('Save');
    await dialog.getByText('Write a whole number.').waitFor();
    await dialog.getByLabel('Calls at a time').fill('3');
    await confirm('Save');
    await page.getByText('$12.00 a month').waitFor();
    await act('Disable');
    await confirm('Disable');
    await page.locator('.badge').getByText('Disabled').waitFor();
    const refused = await page.request.get('/v1/key', { headers: { authorization: `Bearer ${here.site.key}` } });
    assert.equal(refused.status(), 401);
    await act('Enable');
    await confirm('Enable');
    await page.locator('.badge').getByText('Active').waitFor();
    await act('Rotate');
    await confirm('Rotate');
    await page.locator('.secret').waitFor();
    await page.getByLabel('I have saved this key').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await act('Delete');
    await dialog.getByLabel('Type demo to confirm').fill('dem');
    await confirm('Delete');
    await dialog.getByText('This is not the name of the key.').waitFor();
    await dialog.getByLabel('Type demo to confirm').fill('demo');
    await confirm('Delete');
    await page.getByRole('heading', { name: 'API keys' }).waitFor();
  });
});

test('a forgotten password is set anew, and ends every session', async () => {
  await inContext(async (page, context) => {
    await signUp(page, here.site, 'grace@example.com');
    await signIn(page, here.site, { email: 'grace@example.com', password: PASSWORD });
    // The overview of somebody new asks every few seconds, and would learn first that its session is over.
    await page.goto('about:blank');
    const guest = await (await open(here.browser, here.site)).newPage();
    const from = here.site.output.length;
    await guest.goto('/dashboard/sign-in');
    await guest.getByRole('link', { name: 'Forgot password?' }).click();
    await guest.getByLabel('E-mail address').fill('grace@example.com');
    await guest.getByRole('button', { name: 'Send the link' }).click();
    await guest.getByText('the link is on its way').waitFor();
    await guest.goto(await here.site.link('reset-password', from));
    await guest.getByLabel('New password').fill('short');
    await guest.getByRole('button', { name: 'Set password' }).click();
    await guest.getByText('Use at least 15 characters.').waitFor();
    await guest.getByLabel('New password').fill(OTHER_PASSWORD);
    await guest.getByRole('button', { name: 'Set password' }).click();
    await guest.getByText('Your new password is set').waitFor();
    await guest.context().close();
    // The session of before is over, and comes back to where it was.
    await page.goto('/dashboard/settings/security');
    await page.getByText('Your session has ended').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('return_to'), '/settings/security');
    await page.getByLabel('E-mail address').fill('grace@example.com');
    await page.getByLabel('Password', { exact: true }).fill(OTHER_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    assert.equal(context.pages().length, 1);
  });
});

test('an access token that has ended is renewed once, for all that wait for it', async () => {
  await signedIn(async (page) => {
    // An answer that is still on its way would write the session again.
    await page.goto('/dashboard/keys', { waitUntil: 'networkidle' });
    let refreshed = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/auth/refresh')) refreshed += 1;
    });
    await page.evaluate(() => {
      const session = JSON.parse(localStorage.getItem('aiduet.session'));
      localStorage.setItem('aiduet.session', JSON.stringify({ ...session, token: 'ended', expiresAt: 0 }));
    });
    await page.goto('/dashboard/settings/security');
    await page.getByText('This device').waitFor();
    await page.getByText('Signed in').last().waitFor();
    assert.equal(refreshed, 1);
  });
});

test('the password is asked for again, and what was to be done is done', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/settings');
    // The server asks for it only after a quarter of an hour: said once in its place.
    let asked = 0;
    await page.route('**/api/v1/me/email', async (route) => {
      asked += 1;
      if (asked > 1) return route.continue();
      return route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'reauth_required', title: 'Enter your password again.', status: 403 }) });
    });
    await page.getByLabel('New e-mail address').fill('new@example.com');
    await page.getByRole('button', { name: 'Send a confirmation' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Password', { exact: true }).fill('not the password at all');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.getByText('The e-mail address or the password is wrong.').waitFor();
    await dialog.getByLabel('Password', { exact: true }).fill(here.site.password);
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('We have written to new@example.com').waitFor();
    assert.equal(asked, 2);
  });
});

test('a place to return to is within the dashboard', async () => {
  const elsewhere = ['//evil.example', '/\\evil.example', 'https://evil.example', '/..//evil.example', '/%2e%2e/%2e%2e//evil.example', 'javascript:alert(1)', '/../../v1/models', '\t//evil.example', '/@evil.example', 'data:text/html,x'];
  await signedIn(async (page) => {
    await page.goto('/dashboard/keys');
    const session = await page.evaluate(() => localStorage.getItem('aiduet.session'));
    for (const place of elsewhere) {
      await page.goto(`/dashboard/sign-in?return_to=${encodeURIComponent(place)}`);
      await page.getByLabel('E-mail address').fill(here.site.email);
      await page.getByLabel('Password', { exact: true }).fill(here.site.password);
      await page.route('**/api/v1/auth/login', (route) => {
        const { token, account } = JSON.parse(session);
        return route.fulfill({ json: { access_token: token, expires_in: 900, account } });
      });
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('.shell h1').waitFor();
      const url = new URL(page.url());
      assert.equal(url.origin, here.site.url, place);
      assert.ok(url.pathname.startsWith('/dashboard'), `${place} led to ${url.pathname}`);
    }
  });
});

test('a name that looks like a page stays a text', async () => {
  const name = `<img src=x onerror="alert(1)"><script>alert(2)</script>{{7*7}}\${8*8}`;
  await signedIn(async (page) => {
    await page.goto('/dashboard/settings');
    await page.getByLabel(/Display name/).fill(name);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.goto('/dashboard/keys?new=1');
    await page.getByLabel('Name').fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click();
    await page.getByLabel('I have saved this key').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name }).click();
    await page.getByRole('heading', { name }).waitFor();
    for (const path of ['/', '/keys', '/settings']) {
      await page.goto(`/dashboard${path}`);
      await page.locator('.who-name').getByText(name).first().waitFor({ state: 'attached' });
    }
  });
});

test('the page cannot be framed', async () => {
  await inContext(async (page) => {
    await page.route('**/frame.html', (route) => route.fulfill({ contentType: 'text/html', body: '<iframe src="/dashboard/sign-in"></iframe>' }));
    const refused = page.waitForEvent('console', (message) => /frame-ancestors|X-Frame-Options/i.test(message.text()));
    await page.goto('/frame.html');
    await refused;
    page.context().faults.length = 0;
  });
});

test('the first call is made from the page, and its cost is told', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/quickstart');
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.getByLabel('I have saved this key').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Send the first call' }).click();
    await page.getByText('Your request has arrived.').waitFor();
    const id = await page.locator('.notice.good code').last().textContent();
    assert.match(id, /^req_[0-9a-f]{32}$/);
  });
});

test('the duet explains itself', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/duet');
    await page.getByLabel('API key to call with').fill(await newKey(page));
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByLabel('Request', { exact: true }).fill('Write a Rust function that parses a CSV file.');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: /^Code: gpt-/ }).waitFor();
    await page.getByText('Chosen', { exact: true }).waitFor();
  });
});

/** A key of the person who is signed in, by the API. */
async function newKey(page) {
  return page.evaluate(async () => {
    const { token } = JSON.parse(localStorage.getItem('aiduet.session'));
    const response = await fetch('/api/v1/keys', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'flow', limits: {} }),
    });
    return (await response.json()).key;
  });
}

test('everything works by keyboard alone', async () => {
  await inContext(async (page) => {
    await page.goto('/dashboard/sign-in');
    await page.getByLabel('E-mail address').focus();
    await page.keyboard.type(here.site.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(here.site.password);
    await page.keyboard.press('Enter');
    await page.locator('.shell h1').waitFor();
    await page.keyboard.type('gk');
    await page.getByRole('heading', { name: 'API keys', level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'the heading is read on arrival');
    await page.keyboard.type('c');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await page.locator('.secret').waitFor();
    await page.getByLabel('I have saved this key').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    // The list behind it has the key already, and whoever leaves before is asked.
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'typed' }).waitFor();
    await page.keyboard.type('gm');
    await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor();
    // There is nothing to search before.
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.type('/');
    await page.keyboard.type('haiku');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'haiku');
    assert.ok((await page.locator('tbody tr').count()) < 5);
  });
});

/** Waits until the account has a language, which is told to the server behind the page's back. */
async function accountSpeaks(page, language) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { locale } = await here.ask('/me');
    if (locale === language) return;
    await page.waitForTimeout(250);
  }
  assert.fail(`the account never speaks ${language}`);
}

test('language and theme are chosen, kept, and known to the account', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/keys');
    await page.locator('.shell h1').waitFor();
    await page.getByRole('combobox', { name: 'Language' }).selectOption('ja');
    await page.getByRole('link', { name: 'API キー' }).waitFor();
    await page.getByRole('combobox', { name: '外観' }).selectOption('dark');
    await page.reload();
    await page.getByRole('link', { name: 'API キー' }).waitFor();
    assert.equal(await page.getAttribute('html', 'lang'), 'ja');
    assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
    await accountSpeaks(page, 'ja');
    await page.getByRole('combobox', { name: '言語' }).selectOption('en');
    await page.getByRole('link', { name: 'API keys' }).waitFor();
    // What comes after this expects it.
    await accountSpeaks(page, 'en');
  });
});

test('signing out ends it in every tab', async () => {
  await inContext(async (page, context) => {
    await signIn(page, here.site);
    const other = await context.newPage();
    await other.goto('/dashboard/keys');
    await other.locator('.shell h1').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await other.getByText('Your session has ended').waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('aiduet.session')), null);
  });
});

test('a network that is gone is said, and tried again', async () => {
  await signedIn(async (page) => {
    await page.route('**/api/v1/keys**', (route) => route.abort('internetdisconnected'));
    await page.goto('/dashboard/keys');
    await page.getByText('No connection. We keep trying.').first().waitFor();
    await page.unroute('**/api/v1/keys**');
    await page.getByRole('table').waitFor();
  });
});

test('a fault of the server is told with its request', async () => {
  await signedIn(async (page) => {
    await page.route('**/api/v1/keys**', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ code: 'internal_error', title: 'Something went wrong here. Tell us the request id.', request_id: 'req_of_this_fault', status: 500, errors: [] }) }));
    await page.goto('/dashboard/keys');
    await page.getByText('req_of_this_fault').waitFor();
    await page.unroute('**/api/v1/keys**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table').waitFor();
  });
});

test('on a phone the menu opens, leads on, and closes', async () => {
  const context = await open(here.browser, here.site, { storageState: here.state, viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto('/dashboard/keys');
  await page.locator('.shell h1').waitFor();
  const link = page.getByRole('link', { name: 'Models' });
  assert.ok(!(await link.isVisible()));
  await page.getByRole('button', { name: 'Menu' }).tap();
  await link.tap();
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector('.side.open'));
  assert.equal(await page.getByRole('button', { name: 'Menu' }).getAttribute('aria-expanded'), 'false');
  const small = await page.evaluate(() => [...document.querySelectorAll('button, input, select, nav a')].filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect()).filter((box) => box.height < 24 || box.width < 24).length);
  assert.equal(small, 0, 'everything can be hit by a finger');
  assert.deepEqual(context.faults, []);
  await context.close();
});

test('something is seen within a second on a machine four times as slow', async () => {
  await inContext(async (page, context) => {
    const devtools = await context.newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await page.goto('/dashboard/sign-in');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    assert.ok(painted <= 1_000, `first paint after ${painted} ms`);
  });
});
