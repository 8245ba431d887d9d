// WCAG 2.2 AA on every screen, in every language and theme, at one width; and nothing that the content
// security policy stops, no request to another origin, no exception, no sideways scrolling.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLOURS, EVERYTHING, LANGUAGES, load, none, violations } from './axe.mjs';
import { open, stage, traffic } from './harness.mjs';
import { ageConsents, enter, leave, signUp } from './people.mjs';
import { examples, OPEN, OWN, settled } from './screens.mjs';

const LEAVING = 'leaving@example.com';
const ASKED = 'asked@example.com';

let example;
/** Of somebody who has asked for the account to be deleted, and of one who is asked to agree anew. */
const states = {};

async function person(started, email, more) {
  await started.inContext(async (page, context) => {
    await signUp(page, started.site, email);
    await enter(page, email);
    await more(page);
    states[email] = await context.storageState();
  });
}

const here = stage(async (started) => {
  await traffic(started.site);
  example = await examples(started);
  await person(started, LEAVING, async (page) => {
    await leave(page, LEAVING);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await enter(page, LEAVING);
    await page.getByRole('heading', { name: 'This account is about to be deleted' }).waitFor();
  });
  await person(started, ASKED, () => ageConsents(started.site, ASKED));
});

/** A theme changes colours and nothing else, so the second one is asked about colours alone. */
async function inspect(context, paths, language) {
  const found = [];
  const page = await context.newPage();
  for (const path of paths) {
    await page.emulateMedia({ colorScheme: 'light' });
    // A page of its own each time, also where only the fragment or query differs.
    await page.goto('about:blank');
    await page.goto(`/dashboard${example(path)}`);
    await settled(page);
    await load(page);
    for (const fault of await violations(page, EVERYTHING)) found.push(`${path}: ${fault}`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    for (const fault of await violations(page, COLOURS)) found.push(`${path}, dark: ${fault}`);
    assert.equal(await page.getAttribute('html', 'lang'), language);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) found.push(`${path}: ${wide} pixels too wide`);
    const holes = await page.evaluate(() => /\{\w+\}|undefined|NaN|\[object/.exec(document.body.innerText)?.[0]);
    if (holes) found.push(`${path}: shows ${holes}`);
  }
  return found;
}

/** Registers the tests; a file of its own for each width, since a session has only so many calls in a minute. */
export function walk(width) {
  for (const language of LANGUAGES) {
    test(`every screen, ${language}, ${width} pixels, light and dark`, async () => {
      const options = { locale: language, viewport: { width, height: 800 }, reducedMotion: 'reduce' };
      const as = async (storageState) => {
        const context = await open(here.browser, here.site, { ...options, storageState });
        // Else the account speaks its own.
        await context.addInitScript((locale) => {
          if (location.protocol === 'http:') localStorage.setItem('aiduet.preferences', JSON.stringify({ locale }));
        }, language);
        return context;
      };
      const contexts = await Promise.all([undefined, here.state, states[LEAVING], states[ASKED]].map(as));
      const [guest, person, leaving, asked] = contexts;
      // Side by side, since most of the time is waiting.
      const [even, odd] = [0, 1].map((rest) => OWN.filter((_, index) => index % 2 === rest));
      const found = await Promise.all([
        inspect(guest, OPEN, language),
        inspect(person, even, language),
        inspect(person, odd, language),
        inspect(leaving, ['/'], language),
        inspect(asked, ['/settings/privacy', '/quickstart'], language),
      ]);
      none([...found.flat(), ...contexts.flatMap(({ faults }) => faults)]);
      await Promise.all(contexts.map((context) => context.close()));
    });
  }
}
