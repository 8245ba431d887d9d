// Numbers and times as text.

import { digits } from './numbers';
import { locale, preferences } from './theme';

export { exactMoney, money, nano, price } from './money';

export function count(value: number): string {
  return digits(value);
}

/** `1.2M`, the same in every language, since tables compare. */
export function short(value: number): string {
  return value < 10_000 ? digits(value) : digits(value, { notation: 'compact', maximumFractionDigits: 1 }, 'en');
}

export function percent(value: number): string {
  return digits(value, { style: 'percent', maximumFractionDigits: 1 });
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1_000, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** The zone that times are shown in. */
export function zone(): string {
  return preferences.get().zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function parts(at: Date, timeZone: string): Record<string, string> {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'shortOffset',
  });
  return Object.fromEntries(format.formatToParts(at).map((part) => [part.type, part.value]));
}

/** `2026-01-05` in the zone of the reader. */
export function day(at: string | Date): string {
  const p = parts(new Date(at), zone());
  return `${p['year']}-${p['month']}-${p['day']}`;
}

/** `2026-01-05 14:03` */
export function minute(at: string | Date): string {
  const p = parts(new Date(at), zone());
  return `${p['year']}-${p['month']}-${p['day']} ${p['hour']}:${p['minute']}`;
}

/** `2026-01-05 14:03:07` */
export function second(at: string | Date): string {
  return `${minute(at)}:${parts(new Date(at), zone())['second']}`;
}

/** `14:03` */
export function clock(at: string | Date): string {
  const p = parts(new Date(at), zone());
  return `${p['hour']}:${p['minute']}`;
}

/** `2026-01-05 14:03:07 UTC+8 · 2026-01-05 06:03:07 UTC` */
export function exactTime(at: string): string {
  const date = new Date(at);
  const utc = parts(date, 'UTC');
  const there = `${utc['year']}-${utc['month']}-${utc['day']} ${utc['hour']}:${utc['minute']}:${utc['second']} UTC`;
  const offset = offsetName(date);
  return offset === 'UTC' ? there : `${second(at)} ${offset} · ${there}`;
}

/** `UTC+8` */
export function offsetName(at: Date = new Date()): string {
  return (parts(at, zone())['timeZoneName'] ?? 'UTC').replace('GMT', 'UTC');
}

/** A date in prose. */
export function longDate(at: string): string {
  return new Intl.DateTimeFormat(locale.get(), { dateStyle: 'long', timeZone: zone() }).format(new Date(at));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `3 minutes ago` */
export function relative(at: string): string {
  const seconds = (new Date(at).getTime() - Date.now()) / 1_000;
  const format = new Intl.RelativeTimeFormat(locale.get(), { numeric: 'auto' });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, 'second');
}
