// What was chosen under Preferences holds on every screen, and after a reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { none } from './axe.mjs';
import { nano, signIn, stage, traffic } from './harness.mjs';
import { examples, settled } from './screens.mjs';

/** Screens with numbers. */
const SCREENS = [
  '/',
  '/usage?range=7d',
  '/usage?range=24h&metric=first_byte_ms&by=key',
  '/usage?range=7d&metric=cache_hits',
  '/requests',
  '/requests/{request}',
  '/keys',
  '/keys/{key}',
  '/keys/{key}?do=edit',
  '/models',
  '/models?model=claude-haiku-4-5',
  '/billing',
  '/settings/privacy',
];

let example;
const here = stage(async (started) => {
  await traffic(started.site);
  const [key] = (await started.ask('/keys')).data;
  await started.ask(`/keys/${key.id}`, { method: 'PATCH', body: { limits: { spend: { month: '1234.5' }, requests_per_minute: 6000 } } });
  example = await examples(started);
});

const { signedIn, ask } = here;

async function at(page, path) {
  await page.goto(`/dashboard${example(path)}`);
  await settled(page);
  assert.equal(await page.locator('main [role=alert]').count(), 0, path);
}

async function choose(page, changes) {
  await at(page, '/settings/preferences');
  for (const [label, value] of Object.entries(changes)) await page.getByLabel(label, { exact: true }).selectOption(value);
}

/** The texts, tooltips and labels with a digit on both sides of a mark, but for code, times and names. Runs in the page. */
function marked(mark) {
  const others = 'code, pre, kbd, time, script, noscript, [translate=no]';
  const names = /\b(?:gpt|claude|text-embedding)[\w.-]+/g;
  const pattern = new RegExp(`\\d[${mark}]\\d`);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.closest(others)) found.push(node.data);
  }
  for (const element of document.querySelectorAll('[aria-label], [title]')) {
    if (!element.closest(others)) found.push(element.getAttribute('aria-label') ?? '', element.getAttribute('title') ?? '');
  }
  for (const input of document.querySelectorAll('input')) found.push(input.value);
  return [...new Set(found)].filter((text) => pattern.test(text.replace(names, '')));
}

// In each of them one mark has no place at all.
for (const [numbers, own, foreign, balance] of [
  ['1\u202f234,56', ',', '.', /\$\d,\d\d/],
  ['1’234.56', '’', ',', /\$\d\.\d\d/],
]) {
  test(`numbers are written as ${numbers} on every screen`, async () => {
    // In a session of its own, since each has only so many calls in a minute.
    await here.inContext(async (page) => {
      await signIn(page, here.site);
      await choose(page, { Numbers: numbers });
      await page.locator('.side .balance', { hasText: balance }).waitFor();
      const found = [];
      const seen = new Set();
      for (const path of SCREENS) {
        await at(page, path);
        for (const text of await page.evaluate(marked, foreign)) found.push(`${path}: ${text}`);
        if ((await page.evaluate(marked, own)).length > 0) seen.add(path);
      }
      none(found);
      assert.ok(seen.size > 3, `only ${[...seen]} have numbers with a mark`);
    });
  });
}

test('axes, what is read aloud and tables have the chosen marks', async () => {
  await signedIn(async (page) => {
    await choose(page, { Numbers: '1.234,56' });
    await at(page, '/usage?range=7d');
    const scale = await page.locator('.scale').allTextContents();
    assert.deepEqual(scale.filter((text) => text.startsWith('$')).map((text) => /^\$\d+,\d\d+$/.test(text)), [true, true], `${scale}`);
    await page.getByRole('img', { name: /^Cost over time/ }).focus();
    await page.keyboard.press('End');
    await page.locator('.reading', { hasText: /^\d{4}-\d\d-\d\d, \$\d+,\d\d+, / }).waitFor();
    await page.keyboard.press('t');
    assert.match(await page.locator('.chart tbody tr').last().locator('[title]').first().getAttribute('title'), /^\d+,\d{9} USD$/);
  });
});

test('what is typed is read with the chosen marks, and the address and the API have their own', async () => {
  await signedIn(async (page) => {
    await choose(page, { Numbers: '1.234,56' });
    await at(page, '/billing');
    const card = page.locator('.card').filter({ has: page.getByLabel('Tell me of what I spend in a day') });
    const amount = card.getByLabel('When a day’s spending reaches');
    await card.getByLabel('Tell me of what I spend in a day').check({ force: true });
    const save = () => card.getByRole('button', { name: 'Save' }).click();
    await amount.fill('1,2,3');
    await save();
    await card.getByText('such as 20 or 0,50.').waitFor();
    await amount.fill('1.234,5');
    const saved = page.waitForResponse((response) => response.request().method() === 'PUT');
    await save();
    await saved;
    assert.equal(nano((await ask('/billing/alerts')).daily_spend.amount), nano('1234.5'));
    await page.reload();
    await settled(page);
    assert.equal(await amount.inputValue(), '1234,5');
    await at(page, '/keys/{key}?do=edit');
    assert.equal(await page.getByRole('dialog').getByLabel('Per month').inputValue(), '1234,5');
    await at(page, '/requests');
    await page.getByText('More filters').click();
    await page.getByLabel('Cost at least').fill('0,000001');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('min_cost') === '0.000001');
    assert.equal(await page.getByLabel('Cost at least').inputValue(), '0,000001');
    await page.reload();
    await settled(page);
    await page.getByText('More filters').click();
    assert.equal(await page.getByLabel('Cost at least').inputValue(), '0,000001');
  });
});

test('the first period, the first snippet and the marks of numbers are still there after a reload', async () => {
  await signedIn(async (page) => {
    const chosen = { Numbers: '1.234,56', 'Period to begin with': '30d', 'Snippet to begin with': 'python-openai' };
    await choose(page, chosen);
    await page.reload();
    await settled(page);
    for (const [label, value] of Object.entries(chosen)) assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), value);
    for (const path of ['/usage', '/requests']) {
      await at(page, path);
      assert.equal(await page.getByLabel('Period', { exact: true }).inputValue(), '30d', path);
    }
    const begun = page.locator('.snippets .tabs [aria-pressed=true]');
    await at(page, '/quickstart');
    assert.equal(await begun.innerText(), 'Python · openai');
    await page.getByRole('button', { name: 'curl', exact: true }).first().click();
    await page.reload();
    await settled(page);
    assert.equal(await begun.innerText(), 'curl', 'the one that was looked at last');
  });
});

for (const [reducedMotion, choice, moves] of [['no-preference', null, true], ['no-preference', 'Always reduced', false], ['reduce', null, false]]) {
  test(`with ${reducedMotion} of the system, and ${choice ?? 'nothing'} chosen, ${moves ? 'something moves' : 'nothing moves'}`, async () => {
    await signedIn(
      async (page) => {
        if (choice) {
          await at(page, '/settings/preferences');
          await page.getByRole('radio', { name: choice }).check({ force: true });
        }
        await at(page, '/keys?new=1');
        const style = (element) => [getComputedStyle(element).animationName, getComputedStyle(element.querySelector('button')).transitionDuration];
        const [animation, transition] = await page.getByRole('dialog').evaluate(style);
        assert.deepEqual([animation !== 'none', !transition.startsWith('0s')], [moves, moves], `${animation} ${transition}`);
      },
      { reducedMotion },
    );
  });
}
