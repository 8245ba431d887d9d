// Usage over time as a chart: what the API told, and nothing added up here but what is drawn.

import { StackedBars, type Bucket, type Series } from '../charts/stacked_bars';
import { clock, count, day, duration, exactMoney, minute, price, short } from '../format';
import { t } from '../i18n';
import type { Group, Totals, UsageSeries } from '../types';

export const METRICS = ['cost', 'requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'errors', 'rate_limited', 'first_byte_ms', 'duration_ms'] as const;
export type Metric = (typeof METRICS)[number];

const OTHER = 'other';
const OTHER_COLOUR = 7;

export function valueOf(totals: Totals, metric: Metric): number | null {
  return metric === 'cost' ? totals.cost_nano : totals[metric];
}

export function isTime(metric: Metric): boolean {
  return metric === 'first_byte_ms' || metric === 'duration_ms';
}

export function metricText(metric: Metric): (value: number) => string {
  if (metric === 'cost') return (value) => price(BigInt(Math.round(value)));
  if (isTime(metric)) return duration;
  return short;
}

function metricExact(metric: Metric): (value: number) => string {
  if (metric === 'cost') return (value) => exactMoney(BigInt(Math.round(value)));
  return isTime(metric) ? duration : count;
}

export function groupName(group: { group: string; name?: string | null }, by: string | null): string {
  if (group.group === OTHER) return t('usage.other');
  if (by === 'key') return group.name ?? t('usage.gone_key');
  if (by === 'status') return /^[2345]\d\d$/.test(group.group) ? group.group : t(`status.${group.group as 'success'}`);
  return group.group;
}

export function seriesOf(groups: Group[], by: string | null): Series[] {
  if (groups.length === 0) return [{ name: t('usage.all'), colour: 1 }];
  return groups.slice(0, OTHER_COLOUR).map((group, index) => ({ name: groupName(group, by), colour: group.group === OTHER ? OTHER_COLOUR : index + 1 }));
}

function labels(series: UsageSeries, from: string): readonly [label: string, title: string] {
  switch (series.bucket) {
    case 'quarter':
    case 'hour':
      return [clock(from), minute(from)];
    case 'day':
      return [day(from).slice(5), day(from)];
    case 'month':
      return [day(from).slice(0, 7), day(from).slice(0, 7)];
  }
}

export function UsageChart({ of: usage, metric, title, onPick }: { of: UsageSeries; metric: Metric; title: string; onPick?: (from: string, to: string) => void }) {
  const shown = usage.groups.slice(0, OTHER_COLOUR);
  const buckets: Bucket[] = usage.buckets.map((bucket) => {
    const [label, name] = labels(usage, bucket.from);
    const values = shown.length === 0 ? [valueOf(bucket.total, metric)] : shown.map(({ group }) => {
      const own = bucket.groups.find((each) => each.group === group);
      return own ? valueOf(own, metric) : isTime(metric) ? null : 0;
    });
    return { label, title: name, values };
  });
  const pick = (index: number) => {
    const bucket = usage.buckets[index];
    if (bucket) onPick?.(bucket.from, bucket.to);
  };
  return <StackedBars title={title} series={seriesOf(usage.groups, usage.group_by)} buckets={buckets} text={metricText(metric)} exact={metricExact(metric)} isLine={isTime(metric)} {...(onPick ? { onPick: pick } : {})} />;
}
