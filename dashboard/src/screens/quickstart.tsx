// The first call, in steps that know how far they are.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api, newIdempotencyKey } from '../api';
import { duration, money, nano } from '../format';
import { gateway } from '../gateway';
import { t, type Key } from '../i18n';
import { keyInHand } from '../key_in_hand';
import { Link } from '../router';
import { session } from '../session';
import { SNIPPETS } from '../snippets';
import { useStore } from '../store';
import { prefer, preferences } from '../theme';
import type { ApiKey, IssuedKey, Page as PageOf, RequestSummary } from '../types';
import { Button, Checkbox, CopyButton, Form, TextField } from '../ui/controls';
import { Icon } from '../ui/icons';
import { Failure, useLoad, useSending } from '../ui/load';
import { Facts, Money, Page } from '../ui/page';
import { balance } from './balance';
import { ShownOnce } from './keys';
import { useModels, type Model } from './models_data';
import { OwnKey } from './own_key';

function Step({ number, title, isDone, children }: { number: number; title: Key; isDone: boolean; children?: preact.ComponentChildren }) {
  return (
    <li class={`step ${isDone ? 'done' : ''}`}>
      <span class="step-mark" aria-hidden="true">
        {isDone ? <Icon name="check" /> : number}
      </span>
      <div>
        <h2>
          {t(title)}
          {isDone && <span class="unseen"> {t('quickstart.done')}</span>}
        </h2>
        {children}
      </div>
    </li>
  );
}

function cheapest(models: Model[], provider: Model['provider'], endpoint: string): string | null {
  const found = models.filter((model) => model.provider === provider && model.rates.output !== null && model.endpoints.includes(endpoint));
  found.sort((a, b) => (a.rates.output ?? 0) - (b.rates.output ?? 0));
  return found[0]?.id ?? null;
}

export function Quickstart() {
  const account = useStore(session)?.account;
  const held = useStore(keyInHand);
  const keys = useLoad('keys', (signal) => api<PageOf<ApiKey>>('/keys', { query: { limit: 1 }, signal }));
  const models = useModels();
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const [arrived, setArrived] = useState<RequestSummary | null>(null);
  useArrival(arrived === null, setArrived);
  const available = useStore(balance);
  const hasCredit = available !== null && nano(available.available) > 0n;
  const list = models.data?.models ?? [];
  const openai = cheapest(list, 'openai', 'chat_completions') ?? cheapest(list, 'anthropic', 'messages') ?? 'duet';
  const anthropic = cheapest(list, 'anthropic', 'messages') ?? openai;
  const hasKey = held !== null || (keys.data?.data.length ?? 0) > 0;
  return (
    <Page title={t('nav.quickstart')} about={t('quickstart.about')}>
      {keys.error && <Failure problem={keys.error} onRetry={keys.reload} />}
      <ol class="steps">
        <Step number={1} title="quickstart.verified" isDone={account?.email_verified ?? false} />
        <Step number={2} title="quickstart.key" isDone={hasKey}>
          {hasKey ? <p>{t('quickstart.key_there')}</p> : <p>{t('quickstart.key_about')}</p>}
          {!held && <FirstKey onIssued={setIssued} />}
          {issued && <ShownOnce issued={issued} onClose={() => setIssued(null)} />}
        </Step>
        <Step number={3} title="quickstart.credit" isDone={hasCredit}>
          {available && <p>{hasCredit ? t('quickstart.credit_there', { amount: money(available.available) }) : t('quickstart.credit_about')}</p>}
          {available && !hasCredit && (
            <Link to="/billing" class="button primary">
              {t('billing.top_up')}
            </Link>
          )}
        </Step>
        <Step number={4} title="quickstart.call" isDone={arrived !== null}>
          <p>{t('quickstart.call_about')}</p>
          <Snippets wish={{ origin: location.origin, key: held?.text ?? null, openai, anthropic }} />
          <h3>{t('quickstart.here')}</h3>
          <p>{t('quickstart.here_about', { model: openai })}</p>
          <OwnKey />
          {held && <LiveCall apiKey={held.text} model={openai} onArrived={setArrived} />}
        </Step>
        <Step number={5} title="quickstart.see" isDone={arrived !== null}>
          <div role="status">{arrived ? <Arrived of={arrived} /> : <p class="listening">{t('quickstart.listening')}</p>}</div>
        </Step>
      </ol>
    </Page>
  );
}

function FirstKey({ onIssued }: { onIssued: (key: IssuedKey) => void }) {
  const [name, setName] = useState('my-first-key');
  const [idempotencyKey] = useState(newIdempotencyKey);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const body = { name: name.trim(), limits: { spend: { month: '5' } } };
      onIssued(await api<IssuedKey>('/keys', { method: 'POST', body, idempotencyKey }));
    });
  };
  return (
    <Form onSend={send} class="row">
      {rest && <Failure problem={rest} />}
      <TextField label={t('key.name')} hint={t('quickstart.key_limit')} value={name} onValue={setName} error={fault('/name')} autocomplete="off" maxLength={80} />
      <Button type="submit" busy={isBusy}>
        {t('keys.create')}
      </Button>
    </Form>
  );
}

const LISTEN_MS = 2_000;

/** Looks whether a request has come since the page was opened, wherever it was made from. */
function useArrival(isOn: boolean, onArrival: (request: RequestSummary) => void): void {
  /** The newest one of before; not known yet. */
  const before = useRef<string | null | undefined>(undefined);
  useEffect(() => {
    if (!isOn) return;
    const stop = new AbortController();
    const look = async () => {
      if (document.visibilityState !== 'visible') return;
      const found = await api<PageOf<RequestSummary>>('/requests', { query: { limit: 1 }, signal: stop.signal }).catch(() => null);
      if (!found || stop.signal.aborted) return;
      const newest = found.data[0];
      if (before.current === undefined) before.current = newest?.id ?? null;
      else if (newest && newest.id !== before.current) onArrival(newest);
    };
    void look();
    const timer = setInterval(() => void look(), LISTEN_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [isOn]);
}

/** Where a row is wider than the screen, what was chosen before is in the middle. */
function inSight(tab: HTMLElement): void {
  const row = tab.parentElement;
  if (!row) return;
  const [inner, outer] = [tab.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
}

function Snippets({ wish }: { wish: Omit<Parameters<(typeof SNIPPETS)[string]['code']>[0], 'streams'> }) {
  const chosen = useStore(preferences).snippet;
  const [streams, setStreams] = useState(false);
  const name = chosen in SNIPPETS ? chosen : 'curl';
  const snippet = SNIPPETS[name];
  const code = snippet?.code({ ...wish, streams }) ?? '';
  const tab = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (tab.current) inSight(tab.current);
  }, []);
  const shown = wish.key ? code.replaceAll(wish.key, `${wish.key.slice(0, 12)}…`) : code;
  const tabs = (label: string, isTool: boolean) => (
    <div class="tabs" role="group" aria-label={label}>
      {Object.entries(SNIPPETS).filter(([, each]) => (each.isTool ?? false) === isTool).map(([each, { name: title }]) => (
        <button key={each} ref={each === name ? tab : null} type="button" translate={false} aria-pressed={each === name} onClick={() => prefer({ snippet: each })}>
          {title}
        </button>
      ))}
    </div>
  );
  return (
    <div class="snippets">
      {tabs(t('quickstart.snippets'), false)}
      {tabs(t('quickstart.tools'), true)}
      {snippet?.canStream && <Checkbox label={t('quickstart.stream')} checked={streams} onValue={setStreams} />}
      <pre tabIndex={0} role="region" aria-label={t('quickstart.code')}>
        <code translate={false}>{shown}</code>
      </pre>
      <CopyButton text={code} />
      <p class="hint">{wish.key ? t('quickstart.copies_key') : t('quickstart.copies_variable')}</p>
    </div>
  );
}

function LiveCall({ apiKey, model, onArrived }: { apiKey: string; model: string; onArrived: (request: RequestSummary) => void }) {
  const { run, isBusy, rest } = useSending();
  const send = () =>
    run(async () => {
      const body = { model, max_completion_tokens: 256, messages: [{ role: 'user', content: 'Hello' }] };
      const { id } = await gateway('/v1/chat/completions', apiKey, body);
      onArrived(await api<RequestSummary>(`/requests/${id}`));
    });
  return (
    <>
      {rest && <Failure problem={rest} />}
      <Button kind="primary" icon="quickstart" busy={isBusy} onClick={send}>
        {t('quickstart.send')}
      </Button>
    </>
  );
}

function Arrived({ of: request }: { of: RequestSummary }) {
  return (
    <div class="notice good">
      <Icon name="check" />
      <div>
        <p>{t('quickstart.arrived')}</p>
        <Facts
          of={[
            [t('models.model'), <code>{request.model}</code>],
            [t('metric.first_byte_ms'), request.first_byte_ms === null ? '–' : duration(request.first_byte_ms)],
            [t('request.cost'), <Money of={request.cost} />],
            [t('request.id'), <span class="inline"><code>{request.id}</code><CopyButton text={request.id} quiet label={t('copy.request_id')} /></span>],
          ]}
        />
        <p class="hint">{t('request.no_content')}</p>
        <p>
          <Link to={`/requests/${request.id}`}>{t('quickstart.next')}</Link>
        </p>
      </div>
    </div>
  );
}
