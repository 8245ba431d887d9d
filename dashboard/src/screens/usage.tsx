// Usage: over time, and by what it was used for.

import { useMemo } from 'preact/hooks';
import { api, download } from '../api';
import { clock, count, duration, offsetName, percent, short } from '../format';
import { locale, t } from '../i18n';
import { setQuery, usePlace } from '../router';
import type { Breakdown, Group, Totals, UsageSeries } from '../types';
import { Button, Checkbox, SelectField } from '../ui/controls';
import { Empty, Failure, Loading, useLoad, useSending } from '../ui/load';
import { Card, Facts, Money, Page, Table, type Column } from '../ui/page';
import { before, bucketsFor, isFiltered, wanted, type BucketName, type Filter } from '../usage_filters';
import { clearFilters, FilterBar } from './filter_bar';
import { groupName, METRICS, UsageChart, type Metric } from './usage_chart';

const GROUPS = ['model', 'key', 'provider', 'endpoint', 'status'] as const;
type By = (typeof GROUPS)[number];
/** The filter that a row of the breakdown adds; a status code is no filter. */
const FILTER_OF: Record<By, Filter | null> = { model: 'model', key: 'key_id', provider: 'provider', endpoint: 'endpoint', status: null };

export function Usage() {
  const { query } = usePlace();
  const metric = METRICS.find((each) => each === query.get('metric')) ?? 'cost';
  const by = GROUPS.find((each) => each === query.get('by')) ?? 'model';
  const text = query.toString();
  const asked = useMemo(() => wanted(query, new Date()), [text]);
  const name = JSON.stringify(asked);
  const chosen = { from: asked['from'] ?? '', to: asked['to'] ?? '' };
  const buckets = bucketsFor(chosen);
  const bucket = buckets.find((each) => each === query.get('bucket')) ?? 'auto';
  const compares = query.get('compare') === '1';
  const series = useLoad(`series ${name} ${by} ${bucket}`, (signal) => api<UsageSeries>('/usage/series', { query: { ...asked, group_by: by, bucket }, signal }));
  const former = useLoad(`before ${name} ${bucket} ${compares}`, (signal) => (compares ? api<UsageSeries>('/usage/series', { query: { ...asked, ...before(chosen), bucket }, signal }) : Promise.resolve(null)));
  const breakdown = useLoad(`breakdown ${name} ${by}`, (signal) => api<Breakdown>('/usage/breakdown', { query: { ...asked, group_by: by }, signal }));
  const filter = FILTER_OF[by];
  const { run, isBusy, problem } = useSending();
  const save = (format: 'csv' | 'ndjson') => run(() => download('/usage/export', { query: { ...asked, group_by: by, format } }, `aiduet-usage.${format}`));
  return (
    <Page
      title={t('nav.usage')}
      about={t('usage.about', { time: clock(new Date()), offset: offsetName() })}
      actions={
        <>
          <Button icon="download" busy={isBusy} onClick={() => save('csv')}>
            {t('export.csv')}
          </Button>
          <Button icon="download" busy={isBusy} onClick={() => save('ndjson')}>
            {t('export.json')}
          </Button>
        </>
      }
    >
      {problem && <Failure problem={problem} />}
      <FilterBar />
      <Loading of={series}>
        {(usage) =>
          usage.total.requests === 0 ? (
            <Empty title={isFiltered(query) ? t('state.no_match') : t('requests.empty')} action={isFiltered(query) && <Button onClick={clearFilters}>{t('state.clear')}</Button>} />
          ) : (
            <>
              <Card>
                <Sums of={usage.total} />
              </Card>
              <Card
                title={t(`metric.${metric}`)}
                actions={
                  <div class="pair">
                    <SelectField label={t('usage.metric')} value={metric} onValue={(next: Metric) => setQuery({ metric: next === 'cost' ? null : next })} options={METRICS.map((each) => [each, t(`metric.${each}`)] as const)} />
                    <SelectField label={t('usage.bucket')} value={bucket} onValue={(next: BucketName) => setQuery({ bucket: next === 'auto' ? null : next })} options={buckets.map((each) => [each, t(`bucket.${each}`)] as const)} />
                    <SelectField label={t('usage.by')} value={by} onValue={(next: By) => setQuery({ by: next === 'model' ? null : next })} options={GROUPS.map((each) => [each, t(`by.${each}`)] as const)} />
                  </div>
                }
              >
                <UsageChart
                  of={usage}
                  metric={metric}
                  before={former.data}
                  title={t('usage.chart', { metric: t(`metric.${metric}`), by: t(`by.${by}`) })}
                  onPick={(from, to) => setQuery({ range: null, bucket: null, from, to })}
                  {...(filter ? { onGroup: (group: string) => setQuery({ [filter]: group }) } : {})}
                />
                <Checkbox label={t('usage.compare')} checked={compares} onValue={(isOn) => setQuery({ compare: isOn ? '1' : null })} />
                {former.error && <Failure problem={former.error} />}
              </Card>
            </>
          )
        }
      </Loading>
      {series.data !== null && series.data.total.requests > 0 && <Loading of={breakdown}>{(data) => <BreakdownTable of={data} by={by} />}</Loading>}
    </Page>
  );
}

export function Sums({ of: total }: { of: Totals }) {
  const prompt = total.input_tokens + total.cache_read_tokens + total.cache_write_tokens;
  return (
    <Facts
      of={[
        [t('metric.cost'), <strong><Money of={total.cost} /></strong>],
        [t('metric.requests'), count(total.requests)],
        [t('usage.success'), total.requests > 0 ? percent((total.requests - total.errors) / total.requests) : '–'],
        [t('usage.tokens'), <span class="num" title={`${count(prompt)} / ${count(total.output_tokens)}`}>{`${short(prompt)} / ${short(total.output_tokens)}`}</span>],
        [t('metric.cache_hits'), prompt > 0 ? percent(total.cache_read_tokens / prompt) : '–'],
        [t('metric.first_byte_ms'), total.first_byte_ms === null ? '–' : duration(total.first_byte_ms)],
      ]}
    />
  );
}

const SORTS: Record<string, (group: Group) => number> = {
  requests: (group) => group.requests,
  input: (group) => group.input_tokens,
  cached: (group) => group.cache_read_tokens,
  output: (group) => group.output_tokens,
  cost: (group) => group.cost_nano,
  share: (group) => group.share_bp,
  each: (group) => (group.requests > 0 ? group.cost_nano / group.requests : 0),
};

function BreakdownTable({ of: breakdown, by }: { of: Breakdown; by: By }) {
  const { query } = usePlace();
  const sort = query.get('sort') ?? 'cost';
  const isDown = query.get('order') !== 'up';
  const value = SORTS[sort] ?? SORTS['cost'];
  const byName = (a: Group, b: Group) => new Intl.Collator(locale.get()).compare(groupName(b, by), groupName(a, by));
  const rows = [...breakdown.data].sort((a, b) => (sort === 'group' ? byName(a, b) : (value?.(b) ?? 0) - (value?.(a) ?? 0)) * (isDown ? 1 : -1));
  const filter = FILTER_OF[by];
  const tokens = (number: number) => <span title={count(number)}>{short(number)}</span>;
  const columns: Column<Group>[] = [
    {
      name: 'group',
      title: t(`by.${by}`),
      cell: (group) => {
        const name = groupName(group, by);
        if (!filter || group.group === 'other') return name;
        return (
          <button type="button" class="link" title={t('usage.filter_by', { name })} onClick={() => setQuery({ [filter]: group.group })}>
            {name}
          </button>
        );
      },
    },
    { name: 'requests', title: t('metric.requests'), isNumber: true, cell: (group) => count(group.requests) },
    { name: 'input', title: t('column.in'), isNumber: true, cell: (group) => tokens(group.input_tokens) },
    { name: 'cached', title: t('column.cached'), isNumber: true, cell: (group) => tokens(group.cache_read_tokens) },
    { name: 'output', title: t('column.out'), isNumber: true, cell: (group) => tokens(group.output_tokens) },
    { name: 'cost', title: t('metric.cost'), isNumber: true, cell: (group) => <Money of={group.cost} /> },
    { name: 'share', title: t('usage.share'), isNumber: true, cell: (group) => percent(group.share_bp / 10_000) },
    { name: 'each', title: t('usage.per_request'), isNumber: true, cell: (group) => <Money of={group.cost_per_request} /> },
  ];
  const { total } = breakdown;
  const sum = (
    <tr role="row">
      <th role="rowheader" scope="row">{t('usage.total')}</th>
      {[count(total.requests), tokens(total.input_tokens), tokens(total.cache_read_tokens), tokens(total.output_tokens), <Money of={total.cost} />, '', ''].map((text, index) => (
        <td key={columns[index + 1]?.name} role="cell" class="right" data-title={columns[index + 1]?.title}>
          {text}
        </td>
      ))}
    </tr>
  );
  const onSort = (name: string) => setQuery(name === sort ? { order: isDown ? 'up' : null } : { sort: name === 'cost' ? null : name, order: null }, 'replace');
  return <Table label={t('usage.breakdown')} columns={columns} rows={rows} id={(group) => group.group} total={sum} sort={{ by: sort, isDown, onSort, columns: ['group', ...Object.keys(SORTS)] }} />;
}
