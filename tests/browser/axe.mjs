// The accessibility engine, and what is asked of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const engine = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
export const COLOURS = ['color-contrast'];
export const LANGUAGES = ['en', 'zh-CN', 'ja'];
export const WIDTHS = [360, 1440];

/** Outside of the policy of the page, like an extension. */
export function load(page) {
  return page.evaluate(engine);
}

export async function violations(page, runOnly) {
  const { violations } = await page.evaluate((options) => window.axe.run(document, options), { runOnly });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
}

export function none(faults) {
  if (faults.length > 0) assert.fail(`\n${faults.join('\n')}`);
}
