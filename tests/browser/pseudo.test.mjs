// Every screen in a language that is longer than ours: nothing is cut off, and nothing is said that
// is in no catalogue.

import { test } from 'node:test';
import { none } from './axe.mjs';
import { open, stage, traffic } from './harness.mjs';
import { cutOff, foreign, speakPseudo } from './pseudo.mjs';
import { examples, OPEN, OWN, settled } from './screens.mjs';

let example;
const here = stage(async (started) => {
  await traffic(started.site);
  example = await examples(started);
});

async function inspect(context, paths) {
  const found = [];
  const page = await context.newPage();
  for (const path of paths) {
    await page.goto('about:blank');
    await page.goto(`/dashboard${example(path)}`);
    await settled(page);
    for (const fault of [...(await page.evaluate(foreign)), ...(await page.evaluate(cutOff))]) found.push(`${path}: ${fault}`);
  }
  return [...found, ...context.faults];
}

for (const width of [320, 1280]) {
  test(`every screen in a longer language, ${width} pixels`, async () => {
    for (const [paths, storageState] of [[OPEN, undefined], [OWN, here.state]]) {
      const context = await open(here.browser, here.site, { viewport: { width, height: 800 }, reducedMotion: 'reduce', storageState });
      await speakPseudo(context);
      none(await inspect(context, paths));
      await context.close();
    }
  });
}
