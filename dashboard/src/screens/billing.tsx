// Money: what there is, how more comes in, when to be told, and every line of the account.

import { useEffect, useState } from 'preact/hooks';
import { api, download, newIdempotencyKey, Problem } from '../api';
import { day, exactMoney, money, nano } from '../format';
import { t } from '../i18n';
import { typed } from '../numbers';
import { Link, setQuery, usePlace } from '../router';
import { useStore } from '../store';
import type { AutoRecharge, BalanceReport, Page as PageOf, TopUp, Transaction } from '../types';
import { Button, Checkbox, Choice, CopyButton, Form, SelectField, TextField } from '../ui/controls';
import { Empty, Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Badge, Card, Facts, Money, Page, Pager, Table, Time, type Column } from '../ui/page';
import { announce } from '../ui/toast';
import { AlertCard } from './alerts';
import { balance as shownBalance, loadBalance } from './balance';
import { amountWrong, isAmount, leaveFor, plain } from './billing_parts';
import { LimitCard } from './month_limit';
import { Invoices, KeptCards, QuoteLines } from './wallet';

export function Billing() {
  const { query } = usePlace();
  const returned = query.get('topup');
  const [round, setRound] = useState(0);
  /** Rises when a kept card is gone. */
  const [cards, setCards] = useState(0);
  /** A purchase that the address names and that there is none of. */
  const [missing, setMissing] = useState<string | null>(null);
  const credited = () => {
    void loadBalance();
    setRound((before) => before + 1);
  };
  return (
    <Page title={t('nav.billing')} about={t('billing.about')}>
      {returned && <Returned key={returned} id={returned} isCancelled={query.get('cancelled') !== null} onCredited={credited} onMissing={() => setMissing(returned)} />}
      <BalanceCard round={round} />
      <TopUpCard isWaiting={returned !== null && returned !== missing && query.get('cancelled') === null} />
      <AlertCard />
      <LimitCard />
      <RechargeCard round={cards} />
      <KeptCards onRemoved={() => setCards((before) => before + 1)} />
      <Invoices />
      <Transactions round={round} />
    </Page>
  );
}

const POLL_MS = 2_000;
const SUPPORT_AFTER_MS = 60_000;

/** Back from the card company: waits until the money is there, and never asks to pay again. */
function Returned({ id, isCancelled, onCredited, onMissing }: { id: string; isCancelled: boolean; onCredited: () => void; onMissing: () => void }) {
  const [topUp, setTopUp] = useState<TopUp | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const started = Date.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const found = await api<TopUp>(`/billing/topups/${encodeURIComponent(id)}`, { signal: stop.signal });
        setTopUp(found);
        setProblem(null);
        if (found.state === 'paid') return onCredited();
        if (found.state === 'closed' || found.state === 'review') return;
        if (isCancelled && found.state === 'open') return;
      } catch (wrong) {
        if (stop.signal.aborted || !(wrong instanceof Problem)) return;
        setProblem(wrong);
        if (wrong.status === 404) return onMissing();
      }
      setLate(Date.now() - started > SUPPORT_AFTER_MS);
      timer = setTimeout(() => void ask(), POLL_MS);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id]);
  const close = <Button onClick={() => setQuery({ topup: null, cancelled: null }, 'replace')}>{t('dialog.close')}</Button>;
  if (problem && !topUp) return <Failure problem={problem} />;
  if (!topUp) return null;
  const amount = money(topUp.amount);
  return (
    <div role="status">
      {topUp.state === 'paid' ? (
        <Notice tone="good" action={close}>{t('topup.paid', { amount })}</Notice>
      ) : topUp.state === 'closed' || (isCancelled && topUp.state === 'open') ? (
        <Notice action={close}>{t('topup.closed')}</Notice>
      ) : topUp.state === 'review' ? (
        <Notice tone="warn" action={close}>{t('topup.review')} <code>{topUp.id}</code></Notice>
      ) : (
        <Notice tone={topUp.state === 'processing' ? 'warn' : 'info'}>
          <p>{t(topUp.state === 'processing' ? 'topup.processing' : 'topup.pending')}</p>
          {isLate && (
            <p>
              {t('topup.late')} <code>{topUp.id}</code> <CopyButton text={topUp.id} quiet label={t('copy.id')} />
            </p>
          )}
        </Notice>
      )}
    </div>
  );
}

function BalanceCard({ round }: { round: number }) {
  const current = useLoad(`balance ${round}`, async (signal) => {
    const loaded = await api<BalanceReport>('/billing/balance', { signal });
    shownBalance.set(loaded);
    return loaded;
  });
  const { run, isBusy, problem } = useSending();
  const cards = () =>
    run(async () => {
      leaveFor((await api<{ url: string }>('/billing/portal', { method: 'POST', body: {} })).url);
    });
  return (
    <Card
      title={t('billing.balance')}
      actions={
        <Button busy={isBusy} onClick={cards}>
          {t('billing.portal')}
        </Button>
      }
    >
      {problem && <Failure problem={problem} />}
      <Loading of={current} lines={2}>
        {(data) => (
          <>
          <Facts
            of={[
              [t('billing.available'), <strong class="big"><Money of={data.available} /></strong>],
              [t('billing.held'), <Money of={data.held} />],
              [t('billing.used'), <Money of={data.used} />],
            ]}
          />
          {data.lots.length > 0 && <Lots of={data.lots} />}
          </>
        )}
      </Loading>
      <p class="hint after">{t('billing.held_about')}</p>
    </Card>
  );
}

/** Of what the balance consists; the one that is used first comes first. */
function Lots({ of: lots }: { of: BalanceReport['lots'] }) {
  return (
    <section>
      <h3>{t('billing.lots')}</h3>
      <Table
        label={t('billing.lots')}
        rows={lots.map((lot, place) => ({ ...lot, place }))}
        id={({ place }) => String(place)}
        columns={[
          { name: 'kind', title: t('billing.lot'), cell: ({ kind }) => (kind === 'paid' ? t('billing.paid') : t('billing.promotional')) },
          { name: 'until', title: t('billing.lot_until'), cell: ({ expires_at: until }) => (until ? <span class="num">{day(until)}</span> : t('billing.lot_never')) },
          { name: 'amount', title: t('request.amount'), isNumber: true, cell: ({ amount }) => <Money of={amount} /> },
        ]}
      />
      <p class="hint after">{t('billing.lots_about')}</p>
    </section>
  );
}

const PRESETS = ['10', '20', '50', '100', '200', 'other'] as const;

function TopUpCard({ isWaiting }: { isWaiting: boolean }) {
  const [preset, setPreset] = useState<(typeof PRESETS)[number]>('20');
  const [custom, setCustom] = useState('');
  const [keeps, setKeeps] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const [name, setName] = useState(newIdempotencyKey);
  const { run, isBusy, fault, rest } = useSending();
  const amount = preset === 'other' ? custom : preset;
  const change = (work: () => void) => {
    work();
    setName(newIdempotencyKey());
  };
  const send = async () => {
    setChecked(true);
    if (!isAmount(amount)) return;
    await run(async () => {
      const topUp = await api<{ checkout_url: string }>('/billing/topups', { method: 'POST', body: { amount: typed(amount), save_card: keeps }, idempotencyKey: name });
      leaveFor(topUp.checkout_url);
    });
  };
  const wrong = isChecked && !isAmount(amount) ? amountWrong() : fault('/amount');
  return (
    <Card title={t('billing.top_up')} about={t('topup.about')}>
      {rest && <Failure problem={rest} />}
      <Form onSend={send}>
        <Choice legend={t('topup.amount')} value={preset} onValue={(next) => change(() => setPreset(next))} options={PRESETS.map((each) => [each, each === 'other' ? t('topup.other') : `$${each}`] as const)} />
        {preset === 'other' ? (
          <div class="narrow">
            <TextField label={t('topup.other_amount')} prefix="$" inputMode="decimal" autocomplete="off" value={custom} onValue={(text) => change(() => setCustom(text))} error={wrong} />
          </div>
        ) : (
          wrong && <p class="field-error" role="alert">{wrong}</p>
        )}
        {isAmount(amount) && <QuoteLines amount={typed(amount)} />}
        <Checkbox label={t('topup.keep')} hint={t('topup.keep_hint')} checked={keeps} onValue={(next) => change(() => setKeeps(next))} />
        <Button type="submit" kind="primary" busy={isBusy} disabled={isWaiting}>
          {t('topup.button')}
        </Button>
      </Form>
    </Card>
  );
}

function RechargeCard({ round }: { round: number }) {
  const recharge = useLoad(`recharge ${round}`, (signal) => api<AutoRecharge>('/billing/auto-recharge', { signal }));
  if (recharge.error?.status === 404) return null;
  return (
    <Card title={t('recharge.title')} about={t('recharge.about')}>
      <Loading of={recharge} lines={2}>
        {(data) => <RechargeForm key={JSON.stringify(data)} of={data} onSaved={recharge.set} />}
      </Loading>
    </Card>
  );
}

function ToConfirm({ page }: { page: string | null }) {
  const go = page && <Button onClick={() => leaveFor(page)}>{t('recharge.confirm_button')}</Button>;
  return <Notice tone="warn" action={go}>{t('recharge.confirm')}</Notice>;
}

function RechargeForm({ of: current, onSaved }: { of: AutoRecharge; onSaved: (next: AutoRecharge) => void }) {
  const [isOn, setOn] = useState(current.enabled);
  const [threshold, setThreshold] = useState(plain(current.threshold) || '5');
  const [amount, setAmount] = useState(plain(current.amount) || '20');
  const [most, setMost] = useState(plain(current.monthly_max) || '100');
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const isGood = [threshold, amount, most].every(isAmount);
  const wrong = (text: string, pointer: string) => (isChecked && isOn && !isAmount(text) ? amountWrong() : fault(pointer));
  const send = async () => {
    setChecked(true);
    if (isOn && !isGood) return;
    await run(async () => {
      const body = isOn ? { enabled: true, threshold: typed(threshold), amount: typed(amount), monthly_max: typed(most) } : { enabled: false };
      onSaved(await api<AutoRecharge>('/billing/auto-recharge', { method: 'PUT', body }));
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Form onSend={send}>
      {rest && <Failure problem={rest} />}
      {current.state === 'stopped' && <Notice tone="bad">{t('recharge.stopped')}</Notice>}
      {current.state === 'retrying' && <Notice tone="warn">{t('recharge.retrying')}</Notice>}
      {current.state === 'needs_confirmation' && <ToConfirm page={current.confirm_url} />}
      <Checkbox label={t('recharge.on')} checked={isOn} onValue={setOn} />
      {isOn && (
        <>
          <div class="grid three">
            <TextField label={t('recharge.threshold')} prefix="$" inputMode="decimal" autocomplete="off" value={threshold} onValue={setThreshold} error={wrong(threshold, '/threshold')} />
            <TextField label={t('recharge.amount')} prefix="$" inputMode="decimal" autocomplete="off" value={amount} onValue={setAmount} error={wrong(amount, '/amount')} />
            <TextField label={t('recharge.most')} prefix="$" inputMode="decimal" autocomplete="off" value={most} onValue={setMost} error={wrong(most, '/monthly_max')} />
          </div>
          {isGood && <p>{t('recharge.sentence', { threshold: money(typed(threshold)), amount: money(typed(amount)), most: money(typed(most)) })}</p>}
          <p class="hint">{t('recharge.so_far', { amount: money(current.charged_this_month) })}</p>
        </>
      )}
      <Button type="submit" busy={isBusy}>
        {t('form.save')}
      </Button>
    </Form>
  );
}

const KINDS = ['topup', 'usage', 'refund', 'refund_failed', 'dispute', 'dispute_won', 'promo_grant', 'promo_expiry', 'correction', 'usage_earlier'] as const;

function kindName(code: string): string {
  const known = KINDS.find((each) => each === code);
  return known ? t(`kind.${known}`) : code;
}

const before = new Map<string, string | null>();
const SIZE = 50;

const HOPS_MAX = 20;

/** The next page with a line of the kind: all of them are looked through. */
async function linesOf(kind: string, cursor: string | null, signal: AbortSignal): Promise<PageOf<Transaction>> {
  const ask = (from: string | null) => api<PageOf<Transaction>>('/billing/transactions', { query: { limit: kind === '' ? SIZE : 100, cursor: from }, signal });
  const chosen = ({ data, next_cursor }: PageOf<Transaction>) => ({ data: data.filter((each) => kind === '' || each.kind === kind), next_cursor });
  let page = chosen(await ask(cursor));
  for (let hops = 0; hops < HOPS_MAX && page.data.length === 0 && page.next_cursor; hops += 1) page = chosen(await ask(page.next_cursor));
  return page;
}

function Transactions({ round }: { round: number }) {
  const { query } = usePlace();
  const cursor = query.get('cursor');
  const kind = query.get('kind') ?? '';
  useStore(shownBalance);
  const page = useLoad(`transactions ${cursor} ${kind} ${round}`, (signal) => linesOf(kind, cursor, signal));
  const { run, isBusy, problem } = useSending();
  const save = () => run(() => download('/billing/transactions', { query: { format: 'csv' } }, 'aiduet-transactions.csv'));
  const signed = (amount: string) => (
    <span class="num" title={exactMoney(amount)}>
      {nano(amount) > 0n ? '+' : ''}
      {money(amount)}
    </span>
  );
  const columns: Column<Transaction>[] = [
    { name: 'at', title: t('transaction.date'), cell: (each) => (each.kind === 'usage' ? <span class="num" title={t('transaction.utc_day')}>{each.day}</span> : <Time at={each.at} />) },
    { name: 'kind', title: t('transaction.kind'), cell: (each) => (each.kind === 'topup' ? <Badge tone="good">{kindName(each.kind)}</Badge> : kindName(each.kind)) },
    { name: 'what', title: t('transaction.what'), cell: (each) => (each.model ? <code>{each.model}</code> : each.reference ? <code>{each.reference}</code> : '–') },
    { name: 'amount', title: t('request.amount'), isNumber: true, cell: (each) => signed(each.amount) },
    { name: 'balance', title: t('transaction.balance'), isNumber: true, cell: (each) => <Money of={each.balance} /> },
  ];
  const older = (next: string) => {
    before.set(next, cursor);
    setQuery({ cursor: next });
  };
  return (
    <Card
      title={t('transaction.title')}
      about={t('transaction.about')}
      actions={
        <Button icon="download" busy={isBusy} onClick={save}>
          {t('export.csv')}
        </Button>
      }
    >
      {problem && <Failure problem={problem} />}
      <Loading of={page}>
        {({ data, next_cursor }) => {
          if (data.length === 0 && kind === '' && cursor === null) return <Empty title={t('transaction.empty')} />;
          return (
            <>
              <div class="filters">
                <SelectField label={t('transaction.kind')} value={kind} onValue={(next) => setQuery({ kind: next, cursor: null })} options={[['', t('filter.all')], ...KINDS.map((each) => [each, t(`kind.${each}`)] as const)]} />
              </div>
              {data.length === 0 ? <Empty title={t('state.no_match')} /> : <Table label={t('transaction.title')} columns={columns} rows={data} id={(each) => each.id} />}
              <Pager hasNewer={cursor !== null} hasOlder={next_cursor !== null} onNewer={() => setQuery({ cursor: (cursor && before.get(cursor)) || null })} onOlder={() => next_cursor && older(next_cursor)} />
            </>
          );
        }}
      </Loading>
      <p class="hint after">
        <Link to="/usage">{t('overview.all_usage')}</Link>
      </p>
    </Card>
  );
}
