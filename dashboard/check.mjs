// Checks that need no browser: the catalogues and the colours.

import { readFileSync } from 'node:fs';
import { catalogues } from './locales/check.mjs';

const SERIES = [1, 2, 3, 4, 5, 6, 7].map((number) => `series-${number}`);

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
  ...SERIES.map((series) => [series, 'surface', 3]),
];

/** How far two series are apart at least, in CIELAB, where 2.3 can just be seen. */
const APART_MIN = 15;
/** What is seen of linear red, green and blue with deuteranopia: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, at severity 1.0. */
const DEUTERANOPIA = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];
/** CIE XYZ of linear sRGB (IEC 61966-2-1), each by that of white. */
const XYZ = [
  [0.4124, 0.3576, 0.1805].map((part) => part / 0.9505),
  [0.2126, 0.7152, 0.0722],
  [0.0193, 0.1192, 0.9505].map((part) => part / 1.089),
];

const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, each, at) => sum + each * vector[at], 0));

/** Red, green and blue as amounts of light. */
function linear(hex) {
  return [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

function luminance(hex) {
  return times(XYZ, linear(hex))[1];
}

/** CIELAB of a colour as it is seen with deuteranopia. */
function seen(hex) {
  const light = times(DEUTERANOPIA, linear(hex)).map((part) => Math.min(1, Math.max(0, part)));
  const [x, y, z] = times(XYZ, light).map((part) => (part > 216 / 24389 ? Math.cbrt(part) : (part * 24389) / 3132 + 4 / 29));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function apart(one, other) {
  const [a, b] = [seen(one), seen(other)];
  return Math.hypot(...a.map((part, at) => part - b[at]));
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
    for (const [at, one] of SERIES.entries()) {
      for (const other of SERIES.slice(at + 1)) {
        const far = apart(tokens[one], tokens[other]);
        if (far < APART_MIN) faults.push(`${selector} ${one} and ${other} with deuteranopia: ${far.toFixed(1)} apart, below ${APART_MIN}`);
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
