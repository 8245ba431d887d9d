// WCAG 2.2 AA on the pages that the server writes, in every language, theme and width.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { COLOURS, EVERYTHING, LANGUAGES, load, none, violations, WIDTHS } from './axe.mjs';
import { launch, open, Site } from './harness.mjs';
import { PUBLIC } from './screens.mjs';

let site;
let browser;

before(async () => {
  site = await Site.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.stop();
});

for (const language of LANGUAGES) {
  for (const width of WIDTHS) {
    test(`every public page, ${language}, ${width} pixels, light and dark`, async () => {
      const options = { locale: language, viewport: { width, height: 800 } };
      const guest = await open(browser, site, options);
      const page = await guest.newPage();
      const found = [];
      for (const path of PUBLIC) {
        await page.emulateMedia({ colorScheme: 'light' });
        await page.goto(`/${language.split('-')[0]}${path}`);
        await load(page);
        for (const fault of await violations(page, EVERYTHING)) found.push(`${path}: ${fault}`);
        await page.emulateMedia({ colorScheme: 'dark' });
        for (const fault of await violations(page, COLOURS)) found.push(`${path}, dark: ${fault}`);
        assert.equal(await page.getAttribute('html', 'lang'), language);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) found.push(`${path}: ${wide} pixels too wide`);
      }
      none([...found, ...guest.faults]);
      assert.deepEqual(await guest.cookies(), [], 'a page to read sets no cookie');
      await guest.close();
    });
  }
}

test('the page of states has a bar for each of 90 days, and says the same in words', async () => {
  const history = async () => (await fetch(`${site.url}/api/v1/status/history`)).json();
  const until = Date.now() + 90_000;
  while ((await history()).subjects.length === 0) {
    assert.ok(Date.now() < until, 'the server notes how everything is');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const guest = await open(browser, site, { viewport: { width: 360, height: 800 } });
  const page = await guest.newPage();
  await page.goto('/en/status');
  const charts = page.getByRole('img', { name: /The last 90 days$/ });
  const { subjects } = await history();
  assert.equal(await charts.count(), subjects.length);
  assert.equal(await charts.first().locator('rect').count(), 90);
  const last = await charts.first().locator('rect title').last().textContent();
  assert.match(last, /^\d{4}-\d\d-\d\d: Operational, 100\.00 % available$/);
  await page.getByText('No disturbance in these days.').first().waitFor();
  none(guest.faults);
  await guest.close();
});
