// What keys do, and what they do not once they are turned off.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERYTHING, load, none, violations } from './axe.mjs';
import { stage, traffic } from './harness.mjs';
import { examples, settled } from './screens.mjs';

let example;
const { signedIn } = stage(async (started) => {
  await traffic(started.site);
  example = await examples(started);
});

async function at(page, path) {
  await page.goto(`/dashboard${path}`);
  await settled(page);
}

function isAt(page, path) {
  return page.waitForURL((url) => url.pathname === `/dashboard${path}`);
}

const focused = (page) => page.evaluate(() => document.activeElement.textContent);

test('the palette leads to a page, to a key by its name and to a request by its id', async () => {
  await signedIn(async (page) => {
    await at(page, '/usage');
    await page.getByRole('button', { name: 'Go to' }).focus();
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'Page, key, or request id' });
    await field.waitFor();
    assert.ok(await field.evaluate((own) => own === document.activeElement));
    await load(page);
    none(await violations(page, EVERYTHING));
    const chosen = () => page.getByRole('option', { selected: true }).locator('.goal').innerText();
    assert.equal(await chosen(), 'Overview');
    await page.keyboard.press('ArrowUp');
    const last = await chosen();
    await page.keyboard.press('ArrowDown');
    assert.equal(await chosen(), 'Overview');
    assert.notEqual(last, 'Overview', 'the list is a circle');
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
    assert.match(await focused(page), /^Go to/, 'the focus is where it was');

    await page.keyboard.press('Meta+k');
    await page.keyboard.type('MODEL');
    await page.keyboard.press('Enter');
    await isAt(page, '/models');
    await page.waitForFunction(() => document.activeElement.tagName === 'H1');

    await page.keyboard.press('Control+k');
    await page.keyboard.type('demo key');
    await page.getByRole('option', { name: /^demo/ }).waitFor();
    await page.keyboard.press('Enter');
    await isAt(page, example('/keys/{key}'));

    await page.keyboard.press('Control+k');
    await page.keyboard.type(example('{request}'));
    await page.keyboard.press('Enter');
    await isAt(page, example('/requests/{request}'));
    await page.getByText('How the cost adds up').first().waitFor();

    await at(page, '/usage');
    await page.getByRole('button', { name: 'Go to' }).click();
    await page.keyboard.type('no such place');
    await page.getByText('Nothing matches.').waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+k');
    await field.waitFor({ state: 'detached' });
    await isAt(page, '/usage');
  });
});

test('letters move in a list, open what is in it, turn a chart, and are told', async () => {
  await signedIn(async (page) => {
    await at(page, '/requests');
    const times = await page.locator('tbody tr a').allInnerTexts();
    for (const [key, row] of [['j', 0], ['j', 1], ['j', 2], ['k', 1]]) {
      await page.keyboard.press(key);
      assert.equal(await focused(page), times[row]);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('How the cost adds up').first().waitFor();
    const before = page.url();
    await page.keyboard.press('j');
    await page.waitForFunction((url) => location.href !== url, before);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await isAt(page, '/requests');
    for (const [letter, path] of [['u', '/usage'], ['b', '/billing'], ['s', '/settings'], ['o', '']]) {
      await page.keyboard.type(`g${letter}`);
      await isAt(page, path);
    }
    await at(page, '/usage?range=7d');
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Show as chart' }).waitFor();
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Show as table' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).getByText('Down and up in a list').waitFor();
  });
});

test('letters that are turned off do nothing, and the palette still opens', async () => {
  await signedIn(async (page) => {
    await at(page, '/settings/preferences');
    await page.getByLabel('Single-key shortcuts').uncheck();
    await at(page, example('/requests/{request}'));
    const address = page.url();
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    assert.equal(page.url(), address);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await isAt(page, '/requests');
    for (const key of ['j', 'c', '?', '/', 'g', 'u']) await page.keyboard.press(key);
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Go to' }).waitFor();
    await isAt(page, '/requests');
    assert.equal(await page.getByRole('dialog').count(), 1);
  });
});

test('letters typed into a field are text', async () => {
  await signedIn(async (page) => {
    await at(page, '/models');
    await page.keyboard.press('/');
    await page.keyboard.type('gut');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'gut');
    await isAt(page, '/models');
  });
});
