// What the card company has: cards that are kept, invoices, and what a purchase will come to.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { money } from '../format';
import { t, type Key } from '../i18n';
import type { Invoice, Page as PageOf, PaymentMethod, Quote } from '../types';
import { Button } from '../ui/controls';
import { Dialog, DialogActions } from '../ui/dialog';
import { Failure, Loading, useLoad, useSending } from '../ui/load';
import { Badge, Card, Facts, Money, Pager, Table, Time, type Column, type Tone } from '../ui/page';
import { announce } from '../ui/toast';

const QUIET_MS = 300;

/** What a purchase comes to, once nobody types any more. */
export function QuoteLines({ amount }: { amount: string }) {
  const [asked, setAsked] = useState(amount);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(amount), QUIET_MS);
    return () => clearTimeout(timer);
  }, [amount]);
  const quote = useLoad(`quote ${asked}`, (signal) => api<Quote>('/billing/topups/quote', { method: 'POST', body: { amount: asked }, signal }));
  // What is wrong with the amount is said when it is sent.
  if (quote.error || !quote.data) return null;
  const { credit, fee, tax, total } = quote.data;
  return (
    <div class={asked === amount && !quote.isLoading ? '' : 'stale'} aria-live="polite">
      <Facts
        of={[
          [t('quote.credit'), <Money of={credit} />],
          [t('quote.fee'), <Money of={fee} />],
          [t('quote.tax'), tax === null ? t('quote.tax_later') : <Money of={tax} />],
          [t('quote.total'), <strong><Money of={total} /></strong>],
        ]}
      />
    </div>
  );
}

/** `Visa` of `visa`; a name that nobody knows stays as it is. */
function brandName(brand: string): string {
  const known: Record<string, string> = { visa: 'Visa', mastercard: 'Mastercard', amex: 'American Express', jcb: 'JCB', unionpay: 'UnionPay', discover: 'Discover', diners: 'Diners Club' };
  return known[brand] ?? brand;
}

function cardName({ brand, last4 }: PaymentMethod): string {
  return `${brandName(brand)} •••• ${last4}`;
}

export function KeptCards({ onRemoved }: { onRemoved: () => void }) {
  const [round, setRound] = useState(0);
  const [leaving, setLeaving] = useState<PaymentMethod | null>(null);
  const loaded = useLoad(`cards ${round}`, (signal) => api<PageOf<PaymentMethod>>('/billing/payment-methods', { signal }));
  const columns: Column<PaymentMethod>[] = [
    { name: 'card', title: t('card.card'), cell: (each) => <span class="num">{cardName(each)}</span> },
    { name: 'until', title: t('card.until'), cell: (each) => <span class="num">{`${String(each.exp_month).padStart(2, '0')}/${each.exp_year}`}</span> },
    { name: 'use', title: t('card.use'), cell: (each) => (each.auto_recharge ? <Badge tone="accent">{t('card.recharges')}</Badge> : each.default ? <Badge tone="calm">{t('card.default')}</Badge> : '–') },
    {
      name: 'remove',
      title: t('card.remove'),
      isUnseen: true,
      cell: (each) => (
        <Button kind="quiet" onClick={() => setLeaving(each)}>
          {t('card.remove')}
        </Button>
      ),
    },
  ];
  const removed = () => {
    setLeaving(null);
    setRound((before) => before + 1);
    onRemoved();
  };
  return (
    <Card title={t('card.title')} about={t('card.about')}>
      <Loading of={loaded} lines={2}>
        {({ data }) => (data.length === 0 ? <p class="hint">{t('card.none')}</p> : <Table label={t('card.title')} columns={columns} rows={data} id={(each) => each.id} />)}
      </Loading>
      {leaving && <RemoveDialog card={leaving} onClose={() => setLeaving(null)} onRemoved={removed} />}
    </Card>
  );
}

function RemoveDialog({ card, onClose, onRemoved }: { card: PaymentMethod; onClose: () => void; onRemoved: () => void }) {
  const { run, isBusy, problem } = useSending();
  const remove = () =>
    run(async () => {
      await api(`/billing/payment-methods/${encodeURIComponent(card.id)}`, { method: 'DELETE' });
      announce(t('card.removed'), 'shown');
      onRemoved();
    });
  return (
    <Dialog title={t('card.remove_title', { card: cardName(card) })} onClose={onClose}>
      {problem && <Failure problem={problem} />}
      <p>{t(card.auto_recharge ? 'card.remove_ends' : 'card.remove_about')}</p>
      <DialogActions onClose={onClose}>
        <Button kind="danger" busy={isBusy} onClick={remove}>
          {t('card.remove')}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const STATUSES: Record<Invoice['status'], readonly [tone: Tone, name: Key]> = {
  draft: ['calm', 'invoice.draft'],
  open: ['warn', 'invoice.open'],
  paid: ['good', 'invoice.paid'],
  void: ['calm', 'invoice.void'],
  uncollectible: ['bad', 'invoice.uncollectible'],
  other: ['calm', 'invoice.other'],
};

/** The page before each, by the cursor of the page. */
const before = new Map<string, string | null>();
const SIZE = 10;

export function Invoices() {
  const [cursor, setCursor] = useState<string | null>(null);
  const loaded = useLoad(`invoices ${cursor}`, (signal) => api<PageOf<Invoice>>('/billing/invoices', { query: { limit: SIZE, cursor }, signal }));
  const columns: Column<Invoice>[] = [
    { name: 'at', title: t('transaction.date'), cell: (each) => <Time at={each.at} /> },
    { name: 'number', title: t('invoice.number'), cell: (each) => <span class="num">{each.number ?? '–'}</span> },
    { name: 'status', title: t('invoice.status'), cell: (each) => <Badge tone={STATUSES[each.status][0]}>{t(STATUSES[each.status][1])}</Badge> },
    { name: 'amount', title: t('request.amount'), isNumber: true, cell: (each) => (each.currency === 'USD' ? <Money of={each.amount} /> : `${money(each.amount)} ${each.currency}`) },
    { name: 'open', title: t('invoice.view'), cell: (each) => <InvoiceLinks of={each} /> },
  ];
  const older = (next: string) => {
    before.set(next, cursor);
    setCursor(next);
  };
  return (
    <Card title={t('invoice.title')} about={t('invoice.about')}>
      <Loading of={loaded} lines={2}>
        {({ data, next_cursor }) => (
          <>
            {data.length === 0 ? <p class="hint">{t('invoice.none')}</p> : <Table label={t('invoice.title')} columns={columns} rows={data} id={(each) => each.id} />}
            <Pager hasNewer={cursor !== null} hasOlder={next_cursor !== null} onNewer={() => setCursor((cursor && before.get(cursor)) || null)} onOlder={() => next_cursor && older(next_cursor)} />
          </>
        )}
      </Loading>
    </Card>
  );
}

/** At the card company, which is said, in a page of their own. */
function InvoiceLinks({ of: { hosted_url, pdf_url } }: { of: Invoice }) {
  const links = [[hosted_url, t('invoice.view')], [pdf_url, 'PDF']] as const;
  return (
    <span class="inline">
      {links.map(([address, name]) =>
        address?.startsWith('https://') ? (
          <a key={name} href={address} target="_blank" rel="noopener noreferrer" title={t('invoice.elsewhere')}>
            {name}
          </a>
        ) : null,
      )}
    </span>
  );
}
