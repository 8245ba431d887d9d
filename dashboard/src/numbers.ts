// Numbers as text, with the marks that were chosen, and back from what a person typed.

import { locale, preferences } from './theme';

/** What stands between groups of three digits, and before decimals. */
function marks(): readonly [group: string, decimal: string] {
  const { numbers } = preferences.get();
  const sample = numbers === 'language' ? new Intl.NumberFormat(locale.get()).format(1234.56) : numbers;
  return [sample.slice(1, -6), sample.slice(-3, -2)];
}

export function digits(value: number | bigint, options: Intl.NumberFormatOptions = {}, language: string = locale.get()): string {
  const [group, decimal] = marks();
  const parts = new Intl.NumberFormat(language, options).formatToParts(value);
  return parts.map(({ type, value: text }) => (type === 'group' ? group : type === 'decimal' ? decimal : text)).join('');
}

/** A decimal text of the API with the decimal mark, as it is written into a field. */
export function written(text: string): string {
  return text.replace('.', marks()[1]);
}

/** What a person typed as the API reads it. A point or a comma that is not the decimal mark, a space and
 * an apostrophe mark groups where they stand before every three digits; else it is a decimal mark too. */
export function typed(text: string): string {
  const [, decimal] = marks();
  const other = decimal === '.' ? ',' : '.';
  const groups = new RegExp(`^[1-9]\\d{0,2}(?:[\\s'’${other}]\\d{3})+(?=[${decimal}]|$)`);
  return text.trim().replace(groups, (whole) => whole.replace(/\D/g, '')).replace(',', '.');
}
