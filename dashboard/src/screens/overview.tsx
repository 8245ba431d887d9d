// How things stand, on one page.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { count, duration, percent, short, zone } from '../format';
import { t } from '../i18n';
import { go, Link } from '../router';
import type { Group, Overview as Report, Totals } from '../types';
import { Choice } from '../ui/controls';
import { Loading, Notice, useLoad } from '../ui/load';
import { Card, Facts, Money, Page, Table } from '../ui/page';
import { Quickstart } from './quickstart';
import { requestColumns } from './requests';
import { groupName, UsageChart } from './usage_chart';

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
              [t('overview.days_left'), report.balance.days_left === null ? '–' : t('overview.days', { n: report.balance.days_left })],
            ]}
          />
          <Link to="/billing" class="button primary">
            {t('billing.top_up')}
          </Link>
        </section>
        <Card>
          <Choice legend={t('overview.span')} hidesLegend value={span} onValue={setSpan} options={SPANS.map((each) => [each, t(`overview.${each}`)] as const)} />
          <dl class="figures">
            <Figure name={t('metric.cost')} value={<Money of={now.cost} />} change={change(now.cost_nano, before.cost_nano)} />
            <Figure name={t('metric.requests')} value={count(now.requests)} change={change(now.requests, before.requests)} />
            <Figure name={t('usage.success')} value={rate === null ? '–' : percent(rate)} />
            <Figure name={t('usage.tokens')} value={<span title={`${count(input)} / ${count(now.output_tokens)}`}>{`${short(input)} / ${short(now.output_tokens)}`}</span>} />
            <Figure name={t('metric.first_byte_ms')} value={now.first_byte_ms === null ? '–' : duration(now.first_byte_ms)} />
            <Figure name={t('usage.cache_hits')} value={input > 0 ? percent(now.cache_read_tokens / input) : '–'} />
          </dl>
        </Card>
      </div>
      <Card title={t('overview.by_day')} actions={<Link to="/usage?range=30d">{t('overview.all_usage')}</Link>}>
        <UsageChart of={report.by_day} metric="cost" title={t('usage.chart', { metric: t('metric.cost'), by: t('by.model') })} onPick={(from, to) => go(`/usage?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`)} />
      </Card>
      <div class="halves">
        <Top title={t('overview.top_models')} groups={report.top_models} by="model" filter="model" />
        <Top title={t('overview.top_keys')} groups={report.top_keys} by="key" filter="key_id" />
      </div>
      <Card title={t('overview.recent')} actions={<Link to="/requests">{t('overview.all_requests')}</Link>}>
        <Table label={t('overview.recent')} columns={requestColumns()} rows={report.recent} id={(each) => each.id} onOpen={(each) => go(`/requests/${each.id}`)} />
      </Card>
    </>
  );
}

/** How much more or less than before; nothing where there was nothing before. */
function change(now: number, before: number): number | null {
  return before > 0 ? now / before - 1 : null;
}

function Figure({ name, value, change: by }: { name: string; value: preact.ComponentChildren; change?: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
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

function Banners({ of: report }: { of: Report }) {
  return (
    <>
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
          case 'account_frozen':
            return <Notice key="frozen" tone="bad">{t('banner.frozen')}</Notice>;
          default:
            return null;
        }
      })}
    </>
  );
}
