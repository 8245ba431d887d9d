// Messages in the language of the reader. Keys are those of the English catalogue, and a key that is
// missing anywhere fails the build (locales/check.mjs).

import type { ComponentChildren } from 'preact';
import type en from '../locales/en.json';
import { digits } from './numbers';
import { readPreferences, writePreferences, type Locale } from './preferences';
import { locale } from './theme';

export { locale } from './theme';

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
type Catalogue = Record<Key, string>;

let catalogue: Catalogue;

function load(wanted: Locale): Promise<{ default: Catalogue }> {
  switch (wanted) {
    case 'en':
      return import('../locales/en.json');
    case 'zh-CN':
      return import('../locales/zh-CN.json');
    case 'ja':
      return import('../locales/ja.json');
  }
}

export async function speak(wanted: Locale): Promise<void> {
  catalogue = (await load(wanted)).default;
  document.documentElement.lang = wanted;
  locale.set(wanted);
}

/** Shows a language from now on, on this device. */
export async function chooseLocale(wanted: Locale): Promise<void> {
  writePreferences({ ...readPreferences(), locale: wanted });
  await speak(wanted);
}

const HOLE = /\{(\w+)(?:, plural,((?:\s*\w+ \{[^{}]*\})+))?\}/g;

/** The message of a key. Of ICU's message format: `{name}` and `{n, plural, one {# key} other {# keys}}`. */
export function t(key: Key, values: Values = {}): string {
  return catalogue[key].replace(HOLE, (whole, name: string, branches?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return branches === undefined ? String(value) : plural(branches, Number(value));
  });
}

function plural(branches: string, value: number): string {
  const rule = new Intl.PluralRules(locale.get()).select(value);
  const texts = new Map<string, string>();
  for (const [, name, text] of branches.matchAll(/(\w+) \{([^{}]*)\}/g)) texts.set(name ?? '', text ?? '');
  const text = texts.get(rule) ?? texts.get('other') ?? '';
  return text.replaceAll('#', digits(value));
}

/** A message with elements in its holes. */
export function T({ k, ...parts }: { k: Key } & Record<string, ComponentChildren>) {
  const pieces = t(k).split(/\{(\w+)\}/);
  return <>{pieces.map((piece, index) => (index % 2 === 0 ? piece : (parts[piece] ?? '')))}</>;
}
