// Which requests: a range of days and some filters, all of it in the query of the page.

import { day, zone } from './format';
import { preferences } from './theme';

export const RANGES = ['today', '24h', '7d', '30d', '90d', 'this_month', 'last_month', 'custom'] as const;
export type Range = (typeof RANGES)[number];

export const FILTERS = ['model', 'key_id', 'provider', 'endpoint', 'status', 'stream'] as const;
export type Filter = (typeof FILTERS)[number];

export const STATUSES = ['success', 'client_error', 'rate_limited', 'server_error'] as const;

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

/** A date some days later, as a date. */
function shift(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The first and the last day, or two moments, that the query names; an address may say anything. */
function named(query: URLSearchParams): { from: string; to: string } | null {
  const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''];
  const isTime = (text: string) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text));
  return isTime(from) && isTime(to) ? { from, to } : null;
}

export function rangeOf(query: URLSearchParams): Range {
  if (named(query)) return 'custom';
  const wanted = query.get('range');
  const known = (name: string | null) => RANGES.find((each) => each === name && each !== 'custom');
  return known(wanted) ?? known(preferences.get().range) ?? '7d';
}

/** The first and the last day, or two moments. */
export function bounds(query: URLSearchParams, now: Date): { from: string; to: string } {
  const today = day(now);
  const month = `${today.slice(0, 7)}-01`;
  switch (rangeOf(query)) {
    case 'custom':
      return named(query) ?? { from: today, to: today };
    case 'today':
      return { from: today, to: today };
    case '24h': {
      const to = Math.ceil(now.getTime() / QUARTER_MS) * QUARTER_MS;
      return { from: new Date(to - DAY_MS).toISOString(), to: new Date(to).toISOString() };
    }
    case '7d':
      return { from: shift(today, -6), to: today };
    case '30d':
      return { from: shift(today, -29), to: today };
    case '90d':
      return { from: shift(today, -89), to: today };
    case 'this_month':
      return { from: month, to: today };
    case 'last_month': {
      const last = shift(month, -1);
      return { from: `${last.slice(0, 7)}-01`, to: last };
    }
  }
}

/** How many days a range has, at least one. */
export function lengthInDays({ from, to }: { from: string; to: string }): number {
  const isDays = from.length === 10 && to.length === 10;
  return Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from)) / DAY_MS) + (isDays ? 1 : 0));
}

/** The same length of time just before. */
export function before({ from, to }: { from: string; to: string }): { from: string; to: string } {
  if (from.length === 10 && to.length === 10) {
    const days = lengthInDays({ from, to });
    return { from: shift(from, -days), to: shift(to, -days) };
  }
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return { from: new Date(start - (end - start)).toISOString(), to: new Date(start).toISOString() };
}

export const BUCKETS = ['auto', 'quarter', 'hour', 'day', 'month'] as const;
export type BucketName = (typeof BUCKETS)[number];

/** How long a range may be for a bucket, in days. */
const BUCKET_DAYS: Record<BucketName, number> = { auto: Infinity, quarter: 1, hour: 7, day: Infinity, month: Infinity };

/** The buckets that are not too fine for a range. */
export function bucketsFor(range: { from: string; to: string }): BucketName[] {
  const days = lengthInDays(range);
  return BUCKETS.filter((each) => days <= BUCKET_DAYS[each]);
}

/** What the API is asked for. */
export function wanted(query: URLSearchParams, now: Date): Record<string, string> {
  const chosen: Record<string, string> = { tz: zone(), ...bounds(query, now) };
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) chosen[name] = value;
  }
  return chosen;
}

export function isFiltered(query: URLSearchParams): boolean {
  return FILTERS.some((name) => query.has(name));
}
