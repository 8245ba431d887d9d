// What was done with a key, from the security log.

import { api } from '../api';
import { t, type Key } from '../i18n';
import { setQuery, usePlace } from '../router';
import type { ApiKey, Page as PageOf, SecurityEvent } from '../types';
import { Loading, useLoad } from '../ui/load';
import { Card, Pager, Table, Time, type Column } from '../ui/page';
import { eventName } from './events';

const EVENTS_PER_PAGE = 10;

const ASPECTS: Record<string, Key> = {
  enabled: 'key.enabled',
  disabled: 'key.state.disabled',
  name: 'key.name',
  spend: 'key.spend',
  rates: 'key.rates',
  models: 'key.models',
  endpoints: 'key.endpoints',
  networks: 'key.networks',
  duet: 'nav.duet',
};

export function KeyHistory({ of: key }: { of: ApiKey }) {
  const { query } = usePlace();
  const cursor = query.get('history');
  // Each change of the key is a further line.
  const version = JSON.stringify(key);
  const events = useLoad(`history ${version} ${cursor}`, (signal) => api<PageOf<SecurityEvent>>(`/keys/${encodeURIComponent(key.id)}/history`, { query: { limit: EVENTS_PER_PAGE, cursor }, signal }));
  const columns: Column<SecurityEvent>[] = [
    { name: 'at', title: t('security.at'), cell: (each) => <Time at={each.at} form="second" /> },
    { name: 'event', title: t('security.event'), cell: (each) => [eventName(each.event), ...each.changed.flatMap((code) => (ASPECTS[code] ? [t(ASPECTS[code])] : []))].join(' · ') },
    { name: 'device', title: t('sessions.device'), cell: (each) => each.device },
    { name: 'network', title: t('sessions.network'), cell: (each) => (each.network ? <code>{each.network}</code> : '–') },
  ];
  return (
    <Card title={t('key.history')} about={t('key.history_about')}>
      <Loading of={events} lines={3}>
        {({ data, next_cursor }) =>
          data.length === 0 ? (
            <p class="muted">{t('key.history_none')}</p>
          ) : (
            <>
              <Table label={t('key.history')} columns={columns} rows={data} id={(each) => each.id} />
              <Pager hasNewer={cursor !== null} hasOlder={next_cursor !== null} onNewer={() => setQuery({ history: null })} onOlder={() => setQuery({ history: next_cursor })} />
            </>
          )
        }
      </Loading>
    </Card>
  );
}
