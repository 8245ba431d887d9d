// What people call themselves and their things stays a text, on every screen; so does what stands in
// an address.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { none } from './axe.mjs';
import { stage, traffic } from './harness.mjs';
import { OWN, settled } from './screens.mjs';

const HOSTILE = [
  `<script>window.ran=1</script>`,
  `<img src=x onerror="window.ran=1">`,
  `"><svg onload=alert(1)><a href="javascript:alert(2)">`,
  `'-alert(1)-' {{7*7}} \${8*8} {name} #`,
  `</title></textarea><iframe srcdoc="<script>alert(1)</script>">`,
  `=HYPERLINK("https://evil.example") @SUM(1) &lt;b&gt;`,
];
const EMAIL = `<img/src=x/onerror=alert(1)>'"{{7*7}}@example.com`;

let keys;
const here = stage(async (started) => {
  const { ask, site } = started;
  await ask('/me', { method: 'PATCH', body: { name: HOSTILE[1] } });
  const from = site.output.length;
  await ask('/me/email', { method: 'POST', body: { email: EMAIL } });
  started.confirm = await site.link('confirm-email', from);
  keys = [];
  for (const name of HOSTILE) keys.push(await ask('/keys', { method: 'POST', body: { name, limits: { models: ['gpt-5.4-mini', 'claude-haiku-4-5'] } } }));
  for (const { key } of keys) await traffic({ url: site.url, key });
});

/** What a text would have become. Runs in the page. */
function made() {
  const wrong = 'script:not([src]), img, iframe, object, embed, [onload], [onerror], [srcdoc], a[href^="javascript:" i], a[href^="data:" i]';
  const found = [...document.querySelectorAll(wrong)].map((element) => element.outerHTML);
  if ('ran' in window) found.push('a script ran');
  for (const link of document.links) if (link.origin !== location.origin) found.push(`a link to ${link.href}`);
  return found;
}

test('names of keys, of a person and their address are texts on every screen', async () => {
  await here.signedIn(async (page) => {
    await page.goto(here.confirm);
    await page.getByRole('button').first().click();
    await page.getByText('Your new address is confirmed').or(page.getByText(EMAIL)).first().waitFor();
  });
  await here.signedIn(async (page) => {
    const { data } = await here.ask('/requests?limit=100');
    const found = [];
    const look = async (place) => {
      for (const fault of await page.evaluate(made)) found.push(`${place}: ${fault}`);
    };
    for (const [index, { id, name }] of keys.entries()) {
      const request = data.find((each) => each.key_id === id);
      for (const path of index === 0 ? OWN : ['/requests/{request}', '/keys/{key}?do=delete']) {
        await page.goto('about:blank');
        await page.goto(`/dashboard${path.replace('{key}', id).replace('{request}', request.id)}`);
        await settled(page);
        await look(path);
      }
      await page.goto(`/dashboard/keys/${id}`);
      await page.getByRole('heading', { name, exact: true }).waitFor();
      assert.ok((await page.title()).startsWith(name), 'the title is the name');
    }
    await page.goto('/dashboard/usage?by=key');
    for (const { name } of keys) await page.getByRole('cell', { name }).first().waitFor();
    await look('/usage?by=key');
    await page.keyboard.press('Control+k');
    for (const { name } of keys) {
      await page.getByRole('combobox', { name: 'Page, key, or request id' }).fill(name);
      await page.getByRole('dialog').getByRole('option', { name }).first().waitFor();
      await look('the palette');
    }
    await page.goto('/dashboard/settings');
    await page.getByText(EMAIL).first().waitFor();
    await page.locator('.who-name', { hasText: HOSTILE[1] }).waitFor();
    none(found);
  });
});

test('what stands in an address is a text', async () => {
  await here.signedIn(async (page) => {
    const found = [];
    for (const text of [HOSTILE[2], HOSTILE[4]]) {
      const part = encodeURIComponent(text);
      for (const path of [`/dashboard/${part}`, `/dashboard/keys/${part}`, `/dashboard/requests/${part}`, `/dashboard/settings/${part}`, `/dashboard/models?q=${part}`, `/dashboard/usage?model=${part}&from=${part}&to=${part}&by=${part}`, `/dashboard/requests?cursor=${part}&columns=${part}`, `/dashboard/billing?topup=${part}&kind=${part}`, `/dashboard/sign-in?return_to=${part}`, `/dashboard/verify-email#token=${part}`, `/en/policies/${part}/${part}`, `/${part}`]) {
        await page.goto('about:blank');
        await page.goto(path);
        await page.locator('h1').first().waitFor({ timeout: 5_000 }).catch(() => found.push(`${path}: shows nothing`));
        for (const fault of await page.evaluate(made)) if (!fault.startsWith('<img src="/icon.svg"')) found.push(`${path}: ${fault}`);
      }
    }
    none(found);
  });
});
