// What a key was used for.

import { api } from '../api';
import { money, zone } from '../format';
import { t } from '../i18n';
import type { KeyUsageReport, Spend } from '../types';
import { go } from '../router';
import { Empty, Loading, useLoad } from '../ui/load';
import { Card, Facts, Money, Table, Time } from '../ui/page';
import { requestColumns } from './requests';
import { Sums } from './usage';
import { UsageChart } from './usage_chart';

export function KeyUsage({ id }: { id: string }) {
  const usage = useLoad(`usage of ${id}`, (signal) => api<KeyUsageReport>(`/keys/${encodeURIComponent(id)}/usage`, { query: { tz: zone() }, signal }));
  return <Loading of={usage}>{(report) => <Report of={report} />}</Loading>;
}

function Report({ of: report }: { of: KeyUsageReport }) {
  const limited = report.spend.filter((each) => each.limit !== null);
  return (
    <>
      {limited.length > 0 && (
        <Card title={t('key.spend')}>
          <Facts
            of={limited.map((each) => [
              t(`period.${each.period}`),
              <Limit of={each} isAlone />,
            ] as const)}
          />
        </Card>
      )}
      <Card title={t('overview.last_30_days')}>
        {report.last_30_days.requests === 0 ? (
          <Empty title={t('requests.empty')} />
        ) : (
          <>
            <Sums of={report.last_30_days} />
            <UsageChart of={report.by_day} metric="cost" title={t('usage.chart', { metric: t('metric.cost'), by: t('by.model') })} />
          </>
        )}
      </Card>
      {report.recent.length > 0 && (
        <Card title={t('overview.recent')}>
          <Table label={t('overview.recent')} columns={requestColumns().filter(({ name }) => name !== 'key')} rows={report.recent} id={(each) => each.id} onOpen={(each) => go(`/requests/${each.id}`)} />
        </Card>
      )}
    </>
  );
}

/** How far it is in a limit; with the period where nothing else names it. */
export function Limit({ of: { period, spent, limit, resets_at }, isAlone = false }: { of: Spend; isAlone?: boolean }) {
  return (
    <div class="limit">
      <span>
        <Money of={spent} /> / {isAlone ? <Money of={limit ?? '0'} /> : t(`spend.${period}`, { amount: money(limit ?? '0') })}
      </span>
      <meter min={0} max={1} value={share(spent, limit ?? '0')} aria-label={t('key.used_of_limit')} />
      {resets_at && (
        <span class="hint">
          {t('key.resets')} <Time at={resets_at} form="relative" />
        </span>
      )}
    </div>
  );
}

/** For the length of a bar, where the last digits do not matter. */
function share(part: string, whole: string): number {
  const most = Number(whole);
  return most > 0 ? Math.min(1, Number(part) / most) : 1;
}
