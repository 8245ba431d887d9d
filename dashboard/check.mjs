// Checks that need no browser: the catalogues and the colours.

import { readFileSync } from 'node:fs';
import { catalogues } from './locales/check.mjs';

/** Which colours are seen upon which, and how much they must differ (WCAG 2.2, 1.4.3 and 1.4.11). */
const PAIRS = [
  ...['ink', 'soft', 'accent', 'good', 'warn', 'bad'].flatMap((text) => [
    [text, 'surface', 4.5],
    [text, 'ground', 4.5],
  ]),
  ['soft', 'sunken', 4.5],
  ['on-accent', 'accent', 4.5],
  ['on-accent', 'accent-strong', 4.5],
  ['accent', 'accent-wash', 4.5],
  ['good', 'good-wash', 4.5],
  ['warn', 'warn-wash', 4.5],
  ['bad', 'bad-wash', 4.5],
  ['edge', 'surface', 3],
  ...[1, 2, 3, 4, 5, 6, 7].map((number) => [`series-${number}`, 'surface', 3]),
];

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function colours() {
  const css = readFileSync('src/style/base.css', 'utf8');
  const faults = [];
  for (const selector of [':root {', ":root[data-theme='dark'] {"]) {
    const block = css.slice(css.indexOf(selector)).split('}')[0];
    const tokens = Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1], match[2]]));
    for (const [text, ground, least] of PAIRS) {
      if (!tokens[text] || !tokens[ground]) faults.push(`${selector} lacks ${text} or ${ground}`);
      else if (contrast(tokens[text], tokens[ground]) < least) {
        faults.push(`${selector} ${text} on ${ground}: ${contrast(tokens[text], tokens[ground]).toFixed(2)}, below ${least}`);
      }
    }
  }
  return faults;
}

const faults = [...catalogues(), ...colours()];
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
