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
