// How things stand, on one page.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { count, duration, money, percent, short, zone } from '../format';
import { t } from '../i18n';
import { go, Link } from '../router';
import { useStore } from '../store';
import { prefer, preferences } from '../theme';
import type { Group, Overview as Report, Totals } from '../types';
import { Button, Choice } from '../ui/controls';
import { Loading, Notice, useLoad } from '../ui/load';
import { Card, Facts, Money, Page, Table } from '../ui/page';
import { pageAddress } from './entries';
import { Quickstart } from './quickstart';
import { requestColumns } from './requests';
import { PROVIDERS } from './models_data';
import { groupName, UsageChart, type Metric } from './usage_chart';

const SPANS = ['today', 'last_7_days', 'last_30_days'] as const;
type Span = (typeof SPANS)[number];

export function Overview() {
  const report = useLoad('overview', (signal) => api<Report>('/overview', { query: { tz: zone() }, signal }));
  // Somebody who has not called yet is shown how.
  if (report.data && report.data.last_30_days.now.requests === 0 && report.data.recent.length === 0) return <Quickstart />;
  return (
    <Page title={t('nav.overview')}>
      <Loading of={report} lines={10}>
        {(data) => <Whole of={data} />}
      </Loading>
    </Page>
  );
}

function Whole({ of: report }: { of: Report }) {
  const [span, setSpan] = useState<Span>('last_7_days');
  const [metric, setMetric] = useState<Metric>('cost');
  const tile = (name: Metric) => ({ isChosen: name === metric, onChoose: () => setMetric(name) });
  const { now, before } = report[span];
  const success = (totals: Totals) => (totals.requests > 0 ? (totals.requests - totals.errors) / totals.requests : null);
  const rate = success(now);
  const input = now.input_tokens + now.cache_read_tokens + now.cache_write_tokens;
  return (
    <>
      <Banners of={report} />
      <div class="tiles">
        <section class="card balance-card">
          <h2>{t('billing.available')}</h2>
          <p class="big">
            <Money of={report.balance.available} />
          </p>
          <Facts
            of={[
              [t('billing.held'), <Money of={report.balance.held} />],
              [t('overview.average'), <Money of={report.balance.average_per_day} />],
              [t('overview.days_left'), report.balance.days_left === null ? '–' : lasting(report.balance.days_left)],
            ]}
          />
          <Link to="/billing" class="button primary">
            {t('billing.top_up')}
          </Link>
        </section>
        <Card>
          <Choice legend={t('overview.span')} hidesLegend value={span} onValue={setSpan} options={SPANS.map((each) => [each, t(`overview.${each}`)] as const)} />
          <dl class="figures">
            <Figure name={t('metric.cost')} value={<Money of={now.cost} />} change={change(now.cost_nano, before.cost_nano)} {...tile('cost')} />
            <Figure name={t('metric.requests')} value={count(now.requests)} change={change(now.requests, before.requests)} {...tile('requests')} />
            <Figure name={t('usage.success')} value={rate === null ? '–' : percent(rate)} {...tile('errors')} />
            <Figure name={t('usage.tokens')} value={<span title={`${count(input)} / ${count(now.output_tokens)}`}>{`${short(input)} / ${short(now.output_tokens)}`}</span>} {...tile('output_tokens')} />
            <Figure name={t('metric.first_byte_ms')} value={now.first_byte_ms === null ? '–' : duration(now.first_byte_ms)} {...tile('first_byte_ms')} />
            <Figure name={t('metric.cache_hits')} value={input > 0 ? percent(now.cache_read_tokens / input) : '–'} {...tile('cache_hits')} />
          </dl>
        </Card>
      </div>
      <Card title={t('overview.by_day', { metric: t(`metric.${metric}`) })} actions={<Link to="/usage?range=30d">{t('overview.all_usage')}</Link>}>
        <UsageChart of={report.by_day} metric={metric} title={t('usage.chart', { metric: t(`metric.${metric}`), by: t('by.model') })} onPick={(from, to) => go(`/usage?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`)} />
      </Card>
      <div class="halves">
        <Top title={t('overview.top_models')} groups={report.top_models} by="model" filter="model" />
        <Top title={t('overview.top_keys')} groups={report.top_keys} by="key" filter="key_id" />
      </div>
      <Card title={t('overview.recent')} actions={<Link to="/requests">{t('overview.all_requests')}</Link>}>
        <Table label={t('overview.recent')} columns={requestColumns().filter(({ name }) => name !== 'first')} rows={report.recent} id={(each) => each.id} onOpen={(each) => go(`/requests/${each.id}`)} />
      </Card>
    </>
  );
}

const YEAR_DAYS = 365;

/** Nobody plans for longer than a year. */
function lasting(days: number): string {
  return days > YEAR_DAYS ? t('overview.long') : t('overview.days', { n: days });
}

/** How much more or less than before; nothing where there was nothing before. */
function change(now: number, before: number): number | null {
  return before > 0 ? now / before - 1 : null;
}

interface FigureProps {
  name: string;
  value: preact.ComponentChildren;
  change?: number | null;
  /** Whether the chart shows what belongs to it. */
  isChosen: boolean;
  onChoose: () => void;
}

function Figure({ name, value, change: by, isChosen, onChoose }: FigureProps) {
  return (
    <div>
      <dt>
        <button type="button" class="tile" aria-pressed={isChosen} onClick={onChoose}>
          {name}
        </button>
      </dt>
      <dd>
        <span class="figure num">{value}</span>
        {by != null && <span class="hint num">{t('overview.change', { percent: `${by > 0 ? '+' : by < 0 ? '−' : ''}${percent(Math.abs(by))}` })}</span>}
      </dd>
    </div>
  );
}

function Top({ title, groups, by, filter }: { title: string; groups: Group[]; by: 'model' | 'key'; filter: string }) {
  return (
    <Card title={title}>
      <Table
        label={title}
        rows={groups}
        id={(group) => group.group}
        columns={[
          { name: 'group', title: t(`by.${by}`), cell: (group) => (group.group === 'other' ? groupName(group, by) : <Link to={`/usage?range=30d&${filter}=${encodeURIComponent(group.group)}`}>{groupName(group, by)}</Link>) },
          { name: 'requests', title: t('metric.requests'), isNumber: true, cell: (group) => count(group.requests) },
          { name: 'cost', title: t('metric.cost'), isNumber: true, cell: (group) => <Money of={group.cost} /> },
          { name: 'share', title: t('usage.share'), isNumber: true, cell: (group) => percent(group.share_bp / 10_000) },
        ]}
      />
    </Card>
  );
}

const HIDDEN_MS = 86_400_000;

/** Red where it lasts for less than a day; else it may be put away until tomorrow. */
function LowBalance({ of: { available, days_left: days } }: { of: Report['balance'] }) {
  const { lowHiddenAt } = useStore(preferences);
  const isUrgent = days !== null && days < 1;
  if (!isUrgent && Date.now() - lowHiddenAt < HIDDEN_MS) return null;
  return (
    <Notice
      tone={isUrgent ? 'bad' : 'warn'}
      action={
        <div class="actions">
          <Link class="button plain" to="/billing">{t('billing.top_up')}</Link>
          {!isUrgent && <Button kind="quiet" onClick={() => prefer({ lowHiddenAt: Date.now() })}>{t('banner.hide')}</Button>}
        </div>
      }
    >
      {days === null || days > YEAR_DAYS ? t('banner.low', { amount: money(available) }) : t('banner.low_days', { amount: money(available), n: days })}
    </Notice>
  );
}

function Banners({ of: report }: { of: Report }) {
  if (report.banners.length === 0) return null;
  return (
    <div class="banners">
      {report.banners.map((banner) => {
        switch (banner.kind) {
          case 'email_unverified':
            return <Notice key="mail" tone="warn">{t('entry.unverified')}</Notice>;
          case 'key_expiring':
            return (
              <Notice key={banner.key_id} tone="warn" action={<Link class="button plain" to={`/keys/${banner.key_id}`}>{t('key.rotate')}</Link>}>
                {t('banner.key_expiring', { name: banner.name ?? '' })}
              </Notice>
            );
          case 'no_credit':
            return (
              <Notice key="credit" tone="bad" action={<Link class="button plain" to="/billing">{t('billing.top_up')}</Link>}>
                {t('banner.no_credit')}
              </Notice>
            );
          case 'low_balance':
            return <LowBalance key="low" of={report.balance} />;
          case 'recharge_stopped':
            return (
              <Notice key="recharge" tone="bad" action={<Link class="button plain" to="/billing">{t('recharge.title')}</Link>}>
                {t('recharge.stopped')}
              </Notice>
            );
          case 'provider_trouble':
            return (
              <Notice key={banner.name} tone="warn" action={<a class="button plain" href={pageAddress('/status')}>{t('banner.status')}</a>}>
                {t('banner.provider', { name: PROVIDERS[banner.name ?? ''] ?? '' })}
              </Notice>
            );
          case 'account_frozen':
            return <Notice key="frozen" tone="bad">{t('banner.frozen')}</Notice>;
          default:
            return null;
        }
      })}
    </div>
  );
}
