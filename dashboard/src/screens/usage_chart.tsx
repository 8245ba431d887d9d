// Usage over time as a chart: what the API told, and nothing added up here but what is drawn.

import { StackedBars, type Bucket, type Series } from '../charts/stacked_bars';
import { clock, count, day, duration, exactMoney, minute, percent, price, short } from '../format';
import { t } from '../i18n';
import type { Group, Totals, UsageSeries } from '../types';

export const METRICS = ['cost', 'requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_hits', 'errors', 'rate_limited', 'first_byte_ms', 'duration_ms'] as const;
export type Metric = (typeof METRICS)[number];

/** A bar that the period before does not have. */
const NOTHING: Totals = { requests: 0, errors: 0, rate_limited: 0, input_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0, cost: '0', cost_nano: 0, first_byte_ms: null, duration_ms: null };

const OTHER = 'other';
const OTHER_COLOUR = 7;

function valueOf(totals: Totals, metric: Metric): number | null {
  if (metric === 'cache_hits') return hits(totals);
  return metric === 'cost' ? totals.cost_nano : totals[metric];
}

/** The share of the prompt that was read from a cache. */
function hits({ input_tokens, cache_read_tokens, cache_write_tokens }: Totals): number | null {
  const prompt = input_tokens + cache_read_tokens + cache_write_tokens;
  return prompt > 0 ? cache_read_tokens / prompt : null;
}

/** Whether values of groups do not add up, so that they are drawn as lines. */
function isLine(metric: Metric): boolean {
  return isTime(metric) || metric === 'cache_hits';
}

function isTime(metric: Metric): boolean {
  return metric === 'first_byte_ms' || metric === 'duration_ms';
}

function metricText(metric: Metric): (value: number) => string {
  if (metric === 'cost') return (value) => price(BigInt(Math.round(value)));
  if (metric === 'cache_hits') return percent;
  return isTime(metric) ? duration : short;
}

function metricExact(metric: Metric): (value: number) => string {
  if (metric === 'cost') return (value) => exactMoney(BigInt(Math.round(value)));
  return isLine(metric) ? metricText(metric) : count;
}

export function groupName(group: { group: string; name?: string | null }, by: string | null): string {
  if (group.group === OTHER) return t('usage.other');
  if (by === 'key') return group.name ?? t('usage.gone_key');
  if (by === 'status') return /^[2345]\d\d$/.test(group.group) ? group.group : t(`status.${group.group as 'success'}`);
  return group.group;
}

function seriesOf(groups: Group[], by: string | null): Series[] {
  if (groups.length === 0) return [{ name: t('usage.all'), colour: 1 }];
  return groups.slice(0, OTHER_COLOUR).map((group, index) => ({ name: groupName(group, by), colour: group.group === OTHER ? OTHER_COLOUR : index + 1, isChoice: group.group !== OTHER }));
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

interface ChartProps {
  of: UsageSeries;
  metric: Metric;
  title: string;
  /** The same length of time just before; shown where values add up. */
  before?: UsageSeries | null;
  isLow?: boolean;
  onPick?: (from: string, to: string) => void;
  /** A group was chosen in the legend. */
  onGroup?: (group: string) => void;
}

export function UsageChart({ of: usage, metric, title, before, isLow = false, onPick, onGroup }: ChartProps) {
  const shown = usage.groups.slice(0, OTHER_COLOUR);
  const buckets: Bucket[] = usage.buckets.map((bucket) => {
    const [label, name] = labels(usage, bucket.from);
    const values = shown.length === 0 ? [valueOf(bucket.total, metric)] : shown.map(({ group }) => {
      const own = bucket.groups.find((each) => each.group === group);
      return own ? valueOf(own, metric) : isLine(metric) ? null : 0;
    });
    return { label, title: name, values };
  });
  const pick = (index: number) => {
    const bucket = usage.buckets[index];
    if (bucket) onPick?.(bucket.from, bucket.to);
  };
  const choose = (index: number) => {
    const group = shown[index];
    if (group) onGroup?.(group.group);
  };
  return (
    <StackedBars
      title={title}
      series={seriesOf(usage.groups, usage.group_by)}
      buckets={buckets}
      text={metricText(metric)}
      exact={metricExact(metric)}
      isLine={isLine(metric)}
      isLow={isLow}
      {...(before && !isLine(metric) ? { before: { name: t('usage.before'), values: usage.buckets.map((_, index) => valueOf(before.buckets[index]?.total ?? NOTHING, metric)) } } : {})}
      {...(onPick ? { onPick: pick } : {})}
      {...(onGroup ? { onSeries: choose } : {})}
    />
  );
}
