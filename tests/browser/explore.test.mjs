// Looking closer: steps and comparisons of charts, filters as chips, a request by its id, models side by side.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nano, stage, traffic } from './harness.mjs';
import { examples, settled } from './screens.mjs';

let example;
const { signedIn, ask } = stage(async (started) => {
  await traffic(started.site);
  for (const model of MORE) {
    const headers = { authorization: `Bearer ${started.site.key}`, 'content-type': 'application/json' };
    const response = await fetch(`${started.site.url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }) });
    assert.ok(response.ok, `${model}: ${await response.text()}`);
  }
  example = await examples(started);
});

/** Models beside those of `traffic`, so that there are more than are shown by themselves. */
const MORE = ['claude-opus-5-5', 'claude-sonnet-5', 'claude-haiku-5-5'];

const query = (page) => new URL(page.url()).searchParams;

test('a chart has steps, a period to compare with, and a legend that filters', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/usage?range=7d');
    await settled(page);
    const steps = page.getByLabel('In steps of');
    assert.deepEqual(await steps.locator('option').allInnerTexts(), ['Automatic', 'Hours', 'Days', 'Months']);
    await steps.selectOption('hour');
    await page.waitForFunction(() => document.querySelectorAll('.drawing svg g > rect').length > 7 * 24);
    await page.getByLabel('Compare with the period before').check();
    await page.locator('path.dashed').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Show as table' }).click();
    await page.getByRole('columnheader', { name: 'Period before' }).waitFor();
    await page.getByRole('button', { name: 'Show as chart' }).click();
    await page.locator('.legend').getByRole('button', { name: 'gpt-5.4-mini' }).click();
    await page.waitForFunction(() => new URLSearchParams(location.search).get('model') === 'gpt-5.4-mini');
    await settled(page);
    await page.getByRole('button', { name: 'Remove the filter gpt-5.4-mini' }).click();
    await page.waitForFunction(() => !new URLSearchParams(location.search).has('model'));
    assert.deepEqual([query(page).get('bucket'), query(page).get('compare')], ['hour', '1']);
    await page.goto('/dashboard/usage?range=90d&bucket=hour');
    await settled(page);
    assert.equal(await page.getByLabel('In steps of').inputValue(), 'auto', 'too fine for so long a time');
  });
});

/** A picture of each swatch of a legend, all in one colour and at one place. */
async function colourless(page) {
  await page.evaluate(() => {
    for (const number of [1, 2, 3, 4, 5, 6, 7]) document.documentElement.style.setProperty(`--series-${number}`, '#667');
  });
  const pictures = [];
  for (const swatch of await page.locator('.legend svg').all()) {
    const clip = await swatch.evaluate((element) => {
      const box = element.getBoundingClientRect();
      Object.assign(element.style, { position: 'fixed', left: '0', top: '0', zIndex: '9' });
      return { x: 0, y: 0, width: box.width, height: box.height };
    });
    pictures.push((await page.screenshot({ clip })).toString('base64'));
    await swatch.evaluate((element) => element.removeAttribute('style'));
  }
  return pictures;
}

for (const metric of ['requests', 'first_byte_ms']) {
  test(`without colour too each series of ${metric} looks like no other, in both themes and on paper`, async () => {
    await signedIn(async (page) => {
      for (const media of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { media: 'print' }]) {
        await page.emulateMedia(media);
        await page.goto(`/dashboard/usage?range=7d&metric=${metric}`);
        await settled(page);
        const pictures = await colourless(page);
        assert.equal(pictures.length, 7, 'six models, and the others');
        assert.deepEqual(pictures, await colourless(page), 'the same swatch is the same picture');
        assert.equal(new Set(pictures).size, 7, JSON.stringify(media));
      }
    });
  });
}

test('bars have the patterns of the legend', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/usage?range=7d&metric=requests');
    await settled(page);
    const [legend, bars] = await page.evaluate(() => {
      const pattern = (rect) => document.getElementById(/^url\(#(.+)\)$/.exec(rect.getAttribute('fill'))[1]).innerHTML;
      const all = [...document.querySelectorAll('.drawing svg > g')].map((bar) => [...bar.querySelectorAll(':scope > rect')]);
      return [[...document.querySelectorAll('.legend svg > rect')].map(pattern), all.filter((bar) => bar.some((rect) => rect.getBBox().height > 0)).map((bar) => bar.map(pattern))];
    });
    assert.equal(new Set(legend).size, 7);
    assert.ok(bars.length > 0);
    for (const bar of bars) assert.deepEqual(bar, legend);
  });
});

test('each part of the timeline of a request has the pattern of its figure', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/requests');
    await settled(page);
    await page.locator('tbody tr').first().click();
    await page.locator('.timeline').waitFor();
    const [parts, figures] = await page.evaluate(() => {
      const pattern = (rect) => document.getElementById(/^url\(#(.+)\)$/.exec(rect.getAttribute('fill'))[1]).innerHTML;
      return ['.timeline > rect', '.timeline + .facts .swatch > rect'].map((of) => [...document.querySelectorAll(of)].map(pattern));
    });
    assert.equal(new Set(parts).size, 2);
    assert.deepEqual(figures, parts);
  });
});

test('the tiles of the overview choose what its chart shows', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard');
    await settled(page);
    await page.getByRole('heading', { name: 'Cost by day' }).waitFor();
    await page.getByRole('button', { name: 'Requests', exact: true }).click();
    await page.getByRole('heading', { name: 'Requests by day' }).waitFor();
    await page.getByRole('img', { name: /^Requests over time/ }).focus();
    await page.keyboard.press('End');
    const { last_30_days: month } = await ask('/overview?tz=Asia/Shanghai');
    await page.locator('.reading', { hasText: `, ${month.now.requests}, ` }).waitFor();
  });
});

test('a request is found by its id; times and limits narrow the log', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/requests');
    await settled(page);
    await page.getByRole('img', { name: /^Requests over time/ }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('req_none');
    await page.keyboard.press('Enter');
    await page.getByText('A request id looks like').waitFor();
    const id = example('{request}');
    await page.locator('main input[type=search]').fill(` ${id} `);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText(id).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Columns', { exact: true }).click();
    await page.getByLabel('Price list').check();
    await page.getByRole('columnheader', { name: 'Price list' }).waitFor();
    const { data } = await ask('/requests?limit=100');
    const dearest = data.reduce((most, each) => (nano(each.cost) > nano(most.cost) ? each : most));
    await page.getByText('More filters').click();
    await page.getByLabel('Cost at least').fill(dearest.cost);
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
    await page.getByRole('link', { name: /^\d{4}-/ }).waitFor();
    await page.getByLabel('Cost at least').fill('900');
    await page.getByText('Nothing matches.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.waitForFunction((rows) => document.querySelectorAll('tbody tr').length === rows, data.length);
  });
});

test('models are filtered, sorted and compared, and each tells its prices over time', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/models');
    await settled(page);
    const names = () => page.locator('tbody .link').allInnerTexts();
    const all = await names();
    await page.getByLabel('Context at least').selectOption('1000000');
    await page.waitForFunction((before) => document.querySelectorAll('tbody tr').length < before, all.length);
    await page.getByLabel('Context at least').selectOption('0');
    const { data: models } = await (await fetch(new URL('/api/v1/models', page.url()))).json();
    await page.getByLabel('Ability').selectOption('Prompt caching');
    const caching = models.filter((model) => model.caches).length;
    assert.ok(caching > 0 && caching < models.length);
    await page.waitForFunction((rows) => document.querySelectorAll('tbody tr').length === rows, caching);
    await page.getByLabel('Ability').selectOption('');
    await page.getByRole('button', { name: 'Input' }).click();
    const prices = await page.locator('td[data-title="Input"] .num').evaluateAll((cells) => cells.map((cell) => parseFloat(cell.title)));
    assert.deepEqual(prices, [...prices].sort((a, b) => a - b));
    const perMillion = prices.at(-1);
    await page.getByLabel('Prices per').selectOption('1000');
    await page.waitForFunction((price) => Math.abs(parseFloat([...document.querySelectorAll('td[data-title="Input"] .num')].at(-1).title) * 1000 - price) < 1e-6, perMillion);
    const two = (await names()).slice(0, 2);
    for (const name of two) await page.getByLabel(`Compare ${name}`, { exact: true }).check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
    assert.deepEqual(await names(), two);
    await page.reload();
    await settled(page);
    assert.deepEqual(await names(), two, 'it is in the address');
    await page.goto('/dashboard/models?model=claude-haiku-4-5');
    await page.getByRole('dialog').getByText('Now', { exact: true }).waitFor();
    const { data } = await (await fetch(new URL('/api/v1/models/claude-haiku-4-5/prices', page.url()))).json();
    assert.equal(await page.getByRole('table', { name: /^Prices over time/ }).locator('tbody tr').count(), data.length);
  });
});

test('on paper there is one column, without menu and forms', async () => {
  await signedIn(async (page) => {
    await page.goto('/dashboard/billing');
    await settled(page);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => (document.documentElement.dataset.theme = 'dark'));
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(23, 23, 29)', 'dark on white, whatever the theme');
    const wide = await page.evaluate(() => [document.querySelector('main').getBoundingClientRect().width, innerWidth]);
    assert.ok(wide[0] > wide[1] * 0.9, `${wide}`);
    assert.equal(await page.getByRole('navigation', { name: 'Menu' }).isVisible(), false);
    assert.equal(await page.getByRole('button', { name: 'Continue to payment' }).isVisible(), false);
    assert.ok(await page.getByRole('table', { name: 'Transactions' }).isVisible());
  });
});
