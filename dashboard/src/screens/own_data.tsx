// What is kept about a person, and all of it as an archive.

import { useState } from 'preact/hooks';
import { api, download } from '../api';
import { count } from '../format';
import { locale, t, type Key } from '../i18n';
import { useStore } from '../store';
import type { Archive, DataCategory, DataInventory, Page as PageOf } from '../types';
import { Button } from '../ui/controls';
import { Failure, Loading, useLoad, useSending } from '../ui/load';
import { Badge, Card, Table, Time, type Column, type Tone } from '../ui/page';
import { announce } from '../ui/toast';
import { pageAddress } from './entries';

const DAYS_A_YEAR = 365;

const PLACES: Record<DataCategory['place'], Key> = {
  database: 'place.database',
  card_company: 'place.card_company',
  backups: 'place.backups',
  provider: 'place.provider',
  nowhere: 'place.nowhere',
};

/** In years where they are whole. */
function span(days: number): string {
  return days > 0 && days % DAYS_A_YEAR === 0 ? t('kept.years', { years: days / DAYS_A_YEAR }) : t('kept.days', { days });
}

function howLong({ rule, days }: DataCategory['kept']): string {
  const time = span(days ?? 0);
  switch (rule) {
    case 'account':
      return t('kept.account');
    case 'after_account':
      return t('kept.after_account', { time });
    case 'after_end':
      return t('kept.after_end', { time });
    case 'fixed':
      return time;
    case 'bookkeeping':
      return t('kept.bookkeeping', { time });
    case 'while_useful':
      return t('kept.while_useful');
    case 'elsewhere':
      return t('kept.elsewhere');
    case 'never':
      return t('kept.never');
  }
}

export function InventoryCard() {
  const spoken = useStore(locale);
  const loaded = useLoad(`inventory ${spoken}`, (signal) => api<DataInventory>('/me/data-inventory', { query: { locale: spoken }, signal }));
  const columns: Column<DataCategory>[] = [
    { name: 'what', title: t('inventory.what'), cell: (each) => <Named of={each} spoken={spoken} /> },
    { name: 'count', title: t('inventory.count'), isNumber: true, cell: (each) => (each.count === null ? '–' : count(each.count)) },
    { name: 'kept', title: t('inventory.kept'), cell: (each) => <div class="wraps">{howLong(each.kept)}</div> },
    { name: 'place', title: t('inventory.place'), cell: (each) => t(PLACES[each.place]) },
  ];
  return (
    <Card title={t('inventory.title')} about={t('inventory.about')}>
      <Loading of={loaded}>{({ data }) => <Table label={t('inventory.title')} columns={columns} rows={data} id={(each) => each.category} />}</Loading>
      <p class="hint after">
        <a href={pageAddress('/privacy')}>{t('inventory.policy')}</a> · <a href={pageAddress('/privacy/proof')}>{t('inventory.proof')}</a>
      </p>
    </Card>
  );
}

/** In the words of the server. */
function Named({ of: { title, purpose }, spoken }: { of: DataCategory; spoken: string }) {
  return (
    <div class="named" lang={spoken}>
      <strong>{title}</strong>
      <span class="hint">{purpose}</span>
    </div>
  );
}

const STATES: Record<Archive['state'], readonly [tone: Tone, name: Key]> = {
  ready: ['good', 'archive.ready'],
  downloaded: ['calm', 'archive.downloaded'],
  expired: ['calm', 'archive.expired'],
};

/** Also for whoever is about to leave. */
export function ArchiveCard() {
  const [round, setRound] = useState(0);
  const loaded = useLoad(`archives ${round}`, (signal) => api<PageOf<Archive>>('/exports', { query: { limit: 10 }, signal }));
  const { run, isBusy, problem } = useSending();
  const again = () => setRound((before) => before + 1);
  const ask = () =>
    run(async () => {
      await api<Archive>('/exports', { method: 'POST' });
      announce(t('archive.asked'), 'shown');
      again();
    });
  const fetchOnce = (id: string) => run(() => download(`/exports/${id}/download`, {}, 'aiduet-export.zip').finally(again));
  const columns: Column<Archive>[] = [
    { name: 'created', title: t('archive.created'), cell: (each) => <Time at={each.created_at} /> },
    { name: 'state', title: t('archive.state'), cell: (each) => <Badge tone={STATES[each.state][0]}>{t(STATES[each.state][1])}</Badge> },
    { name: 'expires', title: t('archive.expires'), cell: (each) => <Time at={each.expires_at} /> },
    {
      name: 'fetch',
      title: t('archive.download'),
      isUnseen: true,
      cell: (each) =>
        each.state === 'ready' && (
          <Button icon="download" busy={isBusy} onClick={() => fetchOnce(each.id)}>
            {t('archive.download')}
          </Button>
        ),
    },
  ];
  return (
    <Card
      title={t('archive.title')}
      about={t('archive.about')}
      actions={
        <Button busy={isBusy} onClick={ask}>
          {t('archive.ask')}
        </Button>
      }
    >
      {problem && <Failure problem={problem} />}
      <Loading of={loaded} lines={2}>
        {({ data }) => (data.length === 0 ? <p class="hint">{t('archive.none')}</p> : <Table label={t('archive.title')} columns={columns} rows={data} id={(each) => each.id} />)}
      </Loading>
    </Card>
  );
}
