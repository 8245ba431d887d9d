// API keys: the list, one key, and what is done with them.

import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { api, newIdempotencyKey, saveBlob } from '../api';
import { count, money, nano, zone } from '../format';
import { t } from '../i18n';
import { keyInHand } from '../key_in_hand';
import { go, guardLeaving, Link, setQuery, usePlace } from '../router';
import { SNIPPETS } from '../snippets';
import { PERIODS, type ApiKey, type Breakdown, type IssuedKey, type LimitedKey, type Page as PageOf } from '../types';
import { Button, Checkbox, CopyButton, Form, SelectField, TextField } from '../ui/controls';
import { Dialog, DialogActions } from '../ui/dialog';
import { Empty, Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Badge, Card, Facts, Money, Page, Table, Time, type Column, type Tone } from '../ui/page';
import { announce } from '../ui/toast';
import { bounds } from '../usage_filters';
import { draftOf, emptyDraft, faultsOf, KeyFields, limitsOf, type KeyDraft } from './key_form';
import { KeyHistory } from './key_history';
import { KeyUsage, Limit } from './key_usage';

type Action = 'create' | 'edit' | 'rotate' | 'disable' | 'enable' | 'delete';

export function keyState(key: ApiKey): [Tone, string] {
  const isPast = key.works_until !== null && new Date(key.works_until).getTime() <= Date.now();
  if (isPast) return ['calm', t('key.state.expired')];
  switch (key.state) {
    case 'active':
      return ['good', t('key.state.active')];
    case 'disabled':
      return ['warn', t('key.state.disabled')];
    case 'rotated':
      return ['warn', t('key.state.rotated')];
    case 'revoked':
      return ['calm', t('key.state.revoked')];
  }
}

export function maskOf(key: ApiKey): string {
  return `${key.prefix}…${key.last4}`;
}

/** Whether a limit of spending leaves nothing. */
function isSpent({ spend }: LimitedKey): boolean {
  return spend.some(({ remaining }) => remaining !== null && nano(remaining) <= 0n);
}

function State({ of: key }: { of: LimitedKey }) {
  const [tone, text] = keyState(key);
  return tone === 'good' && isSpent(key) ? <Badge tone="bad">{t('key.state.spent')}</Badge> : <Badge tone={tone}>{text}</Badge>;
}

/** How far it is in each limit of spending. */
function Limits({ of: key }: { of: LimitedKey }) {
  if (key.spend.length === 0) return <span class="muted">{t('key.no_limit')}</span>;
  return (
    <div class="limits">
      {key.spend.map((each) => (
        <Limit key={each.period} of={each} />
      ))}
    </div>
  );
}

/** What each key has cost in a period, by its id. */
function useCosts(range: { from: string; to: string }): Map<string, string> {
  const name = `${range.from} ${range.to}`;
  const loaded = useLoad(`costs ${name}`, (signal) => api<Breakdown>('/usage/breakdown', { query: { ...range, tz: zone(), group_by: 'key' }, signal }));
  return new Map(loaded.data?.data.map(({ group, cost }) => [group, cost]));
}

function spendText(key: ApiKey): string {
  const parts = PERIODS.flatMap((period) => {
    const amount = key.limits.spend[period];
    return amount === null ? [] : [t(`spend.${period}`, { amount: money(amount) })];
  });
  return parts.length > 0 ? parts.join(t('list.separator')) : t('key.no_limit');
}

export function Keys() {
  const { query } = usePlace();
  const keys = useLoad('keys', (signal) => api<PageOf<LimitedKey>>('/keys', { query: { limit: 100 }, signal }));
  const now = new Date();
  const costs = (['today', '7d', '30d'] as const).map((range) => useCosts(bounds(new URLSearchParams({ range }), now)));
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const search = query.get('q') ?? '';
  const isCreating = query.get('new') !== null;
  const create = () => setQuery({ new: '1' });
  const columns: Column<LimitedKey>[] = [
    { name: 'name', title: t('key.name'), cell: (key) => <Link class="strong" to={`/keys/${key.id}`}>{key.name}</Link> },
    { name: 'key', title: t('key.key'), cell: (key) => <span class="inline"><code>{maskOf(key)}</code><CopyButton text={key.id} quiet label={t('key.copy_id', { name: key.name })} /></span> },
    { name: 'state', title: t('key.state'), cell: (key) => <State of={key} /> },
    { name: 'limit', title: t('key.spend'), cell: (key) => <Limits of={key} /> },
    ...(['today', '7d', '30d'] as const).map((range, index) => ({ name: range, title: t(`key.spent.${range}`), isNumber: true, cell: (key: LimitedKey) => <Money of={costs[index]?.get(key.id) ?? '0'} /> })),
    { name: 'used', title: t('key.last_used'), cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} form="relative" /> : t('key.never_used')) },
    { name: 'ends', title: t('key.expires'), cell: (key) => (key.works_until ? <Time at={key.works_until} form="relative" /> : t('key.never')) },
  ];
  return (
    <Page
      title={t('nav.keys')}
      about={t('keys.about')}
      actions={
        <Button kind="primary" icon="plus" onClick={create}>
          {t('keys.create')}
        </Button>
      }
    >
      <Loading of={keys}>
        {({ data }) => {
          const shown = data.filter((key) => `${key.name} ${maskOf(key)}`.toLowerCase().includes(search.toLowerCase()));
          if (data.length === 0) {
            return (
              <Empty title={t('keys.empty')} action={<Button kind="primary" icon="plus" onClick={create}>{t('keys.create')}</Button>}>
                {t('keys.empty_about')}
              </Empty>
            );
          }
          return (
            <>
              {data.length > 5 && (
                <div class="filters">
                  <TextField label={t('keys.search')} type="search" value={search} onValue={(text) => setQuery({ q: text }, 'replace')} />
                </div>
              )}
              {shown.length === 0 ? (
                <Empty title={t('state.no_match')} action={<Button onClick={() => setQuery({ q: null })}>{t('state.clear')}</Button>} />
              ) : (
                <Table label={t('nav.keys')} columns={columns} rows={shown} id={(key) => key.id} onOpen={(key) => go(`/keys/${key.id}`)} />
              )}
            </>
          );
        }}
      </Loading>
      {isCreating && !issued && (
        <CreateKey
          onClose={() => setQuery({ new: null }, 'replace')}
          onIssued={(key) => {
            setIssued(key);
            setQuery({ new: null }, 'replace');
            keys.reload();
          }}
        />
      )}
      {issued && <ShownOnce issued={issued} onClose={() => setIssued(null)} />}
    </Page>
  );
}

const LIVES = ['30', '90', '365', 'never', 'custom'] as const;
type Life = (typeof LIVES)[number];

function endOf(life: Life, date: string): string | null {
  if (life === 'never') return null;
  if (life === 'custom') return new Date(`${date}T23:59:59`).toISOString();
  return new Date(Date.now() + Number(life) * 86_400_000).toISOString();
}

function CreateKey({ onClose, onIssued }: { onClose: () => void; onIssued: (key: IssuedKey) => void }) {
  const [draft, setDraft] = useState<KeyDraft>(emptyDraft);
  const [life, setLife] = useState<Life>('365');
  const [date, setDate] = useState('');
  const [isChecked, setChecked] = useState(false);
  const [name] = useState(newIdempotencyKey);
  const { run, isBusy, problem, rest } = useSending();
  const faults = isChecked ? faultsOf(draft) : {};
  const dateFault = isChecked && life === 'custom' && !(new Date(`${date}T23:59:59`).getTime() > Date.now()) ? t('form.date_wrong') : undefined;
  const send = async () => {
    setChecked(true);
    if (Object.keys(faultsOf(draft)).length > 0 || (life === 'custom' && !(new Date(`${date}T23:59:59`).getTime() > Date.now()))) return;
    await run(async () => {
      const body = { name: draft.name.trim(), limits: limitsOf(draft), expires_at: endOf(life, date) };
      onIssued(await api<IssuedKey>('/keys', { method: 'POST', body, idempotencyKey: name }));
    });
  };
  return (
    <Dialog title={t('keys.create')} onClose={onClose} isWide>
      <Form onSend={send}>
        {rest && <Failure problem={rest} />}
        <KeyFields draft={draft} onDraft={setDraft} faults={faults} problem={problem} />
        <div class="grid two">
          <SelectField label={t('key.expires')} value={life} onValue={setLife} options={LIVES.map((each) => [each, t(`key.life.${each}`)] as const)} />
          {life === 'custom' && <TextField label={t('key.last_day')} type="date" value={date} onValue={setDate} error={dateFault} />}
        </div>
        <p class="hint">{t('limit.or_alert')}</p>
        <DialogActions onClose={onClose}>
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('keys.create')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}

/** A first call with it; the gateway picks the model. */
function call(key: string): string {
  return SNIPPETS['curl']?.code({ origin: location.origin, key, openai: 'duet', anthropic: 'duet', streams: false }) ?? '';
}

/** The key, this once. It is in memory only; leaving asks first. */
export function ShownOnce({ issued, onClose }: { issued: IssuedKey; onClose: () => void }) {
  const [isSaved, setSaved] = useState(false);
  // At once: later than the page is gone it would guard every other one.
  useLayoutEffect(() => {
    guardLeaving(() => confirm(t('shown.leave')));
    return () => guardLeaving(null);
  }, []);
  const key = issued.key;
  useEffect(() => {
    if (key) keyInHand.set({ id: issued.id, name: issued.name, text: key });
  }, [key]);
  const save = () => saveBlob(new Blob([`AIDUET_API_KEY=${key}\n`], { type: 'text/plain' }), 'aiduet.env');
  return (
    <Dialog title={t('shown.title')} onClose={onClose} isSticky>
      {key === null ? (
        <Notice tone="warn">{t('shown.gone')}</Notice>
      ) : (
        <>
          <p>{t('shown.about')}</p>
          <p class="secret" tabIndex={0}>
            <code>{key}</code>
          </p>
          <div class="actions">
            <CopyButton text={key} label={t('shown.copy')} />
            <Button icon="download" onClick={save}>
              {t('shown.download')}
            </Button>
          </div>
          <details>
            <summary>{t('shown.snippet')}</summary>
            <pre tabIndex={0} role="region" aria-label={t('shown.snippet')}>
              <code translate={false}>{call(key)}</code>
            </pre>
            <CopyButton text={call(key)} label={t('shown.copy_snippet')} />
          </details>
          <Checkbox label={t('shown.saved')} checked={isSaved} onValue={setSaved} />
        </>
      )}
      <footer>
        <Button kind="primary" disabled={key !== null && !isSaved} onClick={onClose}>
          {t('shown.done')}
        </Button>
      </footer>
    </Dialog>
  );
}

export function KeyDetail({ id }: { id: string }) {
  const { query } = usePlace();
  const key = useLoad(`key ${id}`, (signal) => api<LimitedKey>(`/keys/${encodeURIComponent(id)}`, { signal }));
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const action = query.get('do') as Action | null;
  const start = (what: Action) => setQuery({ do: what });
  const stop = () => setQuery({ do: null }, 'replace');
  const done = (changed?: ApiKey) => {
    stop();
    if (changed) key.reload();
  };
  const title = key.data?.name ?? t('nav.keys');
  return (
    <Page
      title={title}
      about={<Link to="/keys">{t('key.all')}</Link>}
      actions={
        key.data && (
          <>
            <Button onClick={() => start('edit')}>{t('key.edit')}</Button>
            <Button onClick={() => start('rotate')}>{t('key.rotate')}</Button>
            {key.data.state === 'disabled' ? <Button onClick={() => start('enable')}>{t('key.enable')}</Button> : <Button onClick={() => start('disable')}>{t('key.disable')}</Button>}
            <Button kind="danger" onClick={() => start('delete')}>
              {t('key.delete')}
            </Button>
          </>
        )
      }
    >
      <Loading of={key}>
        {(data) => (
          <>
            <Card>
              <Facts of={facts(data)} />
            </Card>
            <KeyUsage id={data.id} />
            <KeyHistory of={data} />
          </>
        )}
      </Loading>
      {key.data && action === 'edit' && <EditKey of={key.data} onClose={stop} onDone={done} />}
      {key.data && action === 'rotate' && !issued && <RotateKey of={key.data} onClose={stop} onIssued={setIssued} />}
      {key.data && (action === 'disable' || action === 'enable') && <SwitchKey of={key.data} isOff={action === 'disable'} onClose={stop} onDone={done} />}
      {key.data && action === 'delete' && <DeleteKey of={key.data} onClose={stop} onDisable={() => setQuery({ do: 'disable' }, 'replace')} />}
      {issued && (
        <ShownOnce
          issued={issued}
          onClose={() => {
            setIssued(null);
            guardLeaving(null);
            go(`/keys/${issued.id}`);
          }}
        />
      )}
    </Page>
  );
}

function facts(key: LimitedKey) {
  const { limits } = key;
  const number = (value: number | null) => (value === null ? t('key.no_limit') : count(value));
  const list = (values: string[]) => (values.length > 0 ? values.map((value) => <code key={value}>{value} </code>) : t('key.all_allowed'));
  return [
    [t('key.state'), <State of={key} />],
    [t('key.key'), <code>{maskOf(key)}</code>],
    [t('key.id'), <span class="inline"><code>{key.id}</code> <CopyButton text={key.id} quiet label={t('copy.id')} /></span>],
    [t('key.spend'), spendText(key)],
    [t('key.requests'), number(limits.requests_per_minute)],
    [t('key.tokens'), number(limits.tokens_per_minute)],
    [t('key.concurrency'), number(limits.concurrency)],
    [t('key.models'), list(limits.models)],
    [t('key.endpoints'), limits.endpoints.length > 0 ? limits.endpoints.map((each) => t(`endpoint.${each as 'messages'}`)).join(t('list.separator')) : t('key.all_allowed')],
    [t('key.networks'), list(limits.networks)],
    [t('key.last_used'), key.last_used_at ? <Time at={key.last_used_at} /> : t('key.never_used')],
    [t('key.expires'), key.works_until ? <Time at={key.works_until} /> : t('key.never')],
    [t('key.created'), <Time at={key.created_at} />],
  ] as const satisfies (readonly [string, unknown])[];
}

function EditKey({ of: key, onClose, onDone }: { of: ApiKey; onClose: () => void; onDone: (key: ApiKey) => void }) {
  const [draft, setDraft] = useState(() => draftOf(key.name, key.limits));
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, problem, rest } = useSending();
  const send = async () => {
    setChecked(true);
    if (Object.keys(faultsOf(draft)).length > 0) return;
    await run(async () => {
      const body = { name: draft.name.trim(), limits: limitsOf(draft) };
      onDone(await api<ApiKey>(`/keys/${key.id}`, { method: 'PATCH', body }));
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Dialog title={t('key.edit_title', { name: key.name })} onClose={onClose} isWide>
      <Form onSend={send}>
        {rest && <Failure problem={rest} />}
        <KeyFields draft={draft} onDraft={setDraft} faults={isChecked ? faultsOf(draft) : {}} problem={problem} isOpen />
        <p class="hint">{t('limit.or_alert')}</p>
        <DialogActions onClose={onClose}>
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('form.save')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}

const OVERLAPS = ['0', '3600', '86400', '604800'] as const;

function RotateKey({ of: key, onClose, onIssued }: { of: ApiKey; onClose: () => void; onIssued: (key: IssuedKey) => void }) {
  const [overlap, setOverlap] = useState<(typeof OVERLAPS)[number]>('86400');
  const { run, isBusy, rest } = useSending();
  const send = async () => {
    await run(async () => {
      onIssued(await api<IssuedKey>(`/keys/${key.id}/rotate`, { method: 'POST', body: { overlap_seconds: Number(overlap) } }));
    });
  };
  return (
    <Dialog title={t('key.rotate_title', { name: key.name })} onClose={onClose}>
      <p>{t('key.rotate_about')}</p>
      <Form onSend={send}>
        {rest && <Failure problem={rest} />}
        <SelectField label={t('key.overlap')} value={overlap} onValue={setOverlap} options={OVERLAPS.map((each) => [each, t(`key.overlap.${each}`)] as const)} />
        <DialogActions onClose={onClose}>
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('key.rotate')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}

function SwitchKey({ of: key, isOff, onClose, onDone }: { of: ApiKey; isOff: boolean; onClose: () => void; onDone: (key: ApiKey) => void }) {
  const { run, isBusy, rest } = useSending();
  const send = async () => {
    await run(async () => {
      onDone(await api<ApiKey>(`/keys/${key.id}`, { method: 'PATCH', body: { disabled: isOff } }));
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Dialog title={t(isOff ? 'key.disable_title' : 'key.enable_title', { name: key.name })} onClose={onClose}>
      <p>{t(isOff ? 'key.disable_about' : 'key.enable_about')}</p>
      {rest && <Failure problem={rest} />}
      <DialogActions onClose={onClose}>
        <Button kind="primary" busy={isBusy} onClick={send}>
          {t(isOff ? 'key.disable' : 'key.enable')}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function DeleteKey({ of: key, onClose, onDisable }: { of: ApiKey; onClose: () => void; onDisable: () => void }) {
  const [typed, setTyped] = useState('');
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, rest } = useSending();
  const send = async () => {
    setChecked(true);
    if (typed !== key.name) return;
    await run(async () => {
      await api(`/keys/${key.id}`, { method: 'DELETE' });
      announce(t('key.deleted'), 'shown');
      go('/keys', 'replace');
    });
  };
  return (
    <Dialog title={t('key.delete_title', { name: key.name })} onClose={onClose}>
      <p>{t('key.delete_about')}</p>
      {key.state === 'active' && (
        <p>
          <Button onClick={onDisable}>{t('key.disable_instead')}</Button>
        </p>
      )}
      <Form onSend={send}>
        {rest && <Failure problem={rest} />}
        <TextField label={t('key.delete_type', { name: key.name })} autocomplete="off" spellcheck={false} value={typed} onValue={setTyped} error={isChecked && typed !== key.name ? t('key.delete_wrong') : undefined} />
        <DialogActions onClose={onClose}>
          <Button type="submit" kind="danger" busy={isBusy}>
            {t('key.delete')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}
