// The first call, in steps that know how far they are.

import { useState } from 'preact/hooks';
import { api, newIdempotencyKey } from '../api';
import { duration, money, nano } from '../format';
import { gateway, type Answered } from '../gateway';
import { t, type Key } from '../i18n';
import { keyInHand } from '../key_in_hand';
import { Link } from '../router';
import { session } from '../session';
import { SNIPPETS } from '../snippets';
import { useStore } from '../store';
import { prefer, preferences } from '../theme';
import type { ApiKey, IssuedKey, Page as PageOf } from '../types';
import { Button, CopyButton, Form, TextField } from '../ui/controls';
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
  const [first, setFirst] = useState<Answered<unknown> | null>(null);
  const available = useStore(balance);
  const hasCredit = available !== null && nano(available.available) > 0n;
  const list = models.data?.models ?? [];
  const openai = cheapest(list, 'openai', 'chat_completions') ?? cheapest(list, 'anthropic', 'messages') ?? 'duet';
  const anthropic = cheapest(list, 'anthropic', 'messages') ?? openai;
  const hasKey = held !== null || (keys.data?.data.length ?? 0) > 0;
  return (
    <Page title={t('nav.quickstart')} about={t('quickstart.about')}>
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
        <Step number={4} title="quickstart.call" isDone={first !== null}>
          <p>{t('quickstart.call_about')}</p>
          <Snippets wish={{ origin: location.origin, key: held?.text ?? null, openai, anthropic }} />
          <h3>{t('quickstart.here')}</h3>
          <p>{t('quickstart.here_about', { model: openai })}</p>
          <OwnKey />
          {held && <LiveCall apiKey={held.text} model={openai} onAnswered={setFirst} />}
          {first && <Answer of={first} />}
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

function Snippets({ wish }: { wish: Parameters<(typeof SNIPPETS)[string]['code']>[0] }) {
  const chosen = useStore(preferences).snippet;
  const name = chosen in SNIPPETS ? chosen : 'curl';
  const code = SNIPPETS[name]?.code(wish) ?? '';
  const shown = wish.key ? code.replaceAll(wish.key, `${wish.key.slice(0, 12)}…`) : code;
  return (
    <div class="snippets">
      <div class="tabs" role="group" aria-label={t('quickstart.snippets')}>
        {Object.entries(SNIPPETS).map(([each, snippet]) => (
          <button key={each} type="button" translate={false} aria-pressed={each === name} onClick={() => prefer({ snippet: each })}>
            {snippet.name}
          </button>
        ))}
      </div>
      <pre tabIndex={0} role="region" aria-label={t('quickstart.snippets')}>
        <code translate={false}>{shown}</code>
      </pre>
      <CopyButton text={code} />
      <p class="hint">{wish.key ? t('quickstart.copies_key') : t('quickstart.copies_variable')}</p>
    </div>
  );
}

function LiveCall({ apiKey, model, onAnswered }: { apiKey: string; model: string; onAnswered: (answered: Answered<unknown>) => void }) {
  const { run, isBusy, rest } = useSending();
  const send = () =>
    run(async () => {
      const body = { model, max_completion_tokens: 256, messages: [{ role: 'user', content: 'Hello' }] };
      onAnswered(await gateway('/v1/chat/completions', apiKey, body));
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

function Answer({ of: answered }: { of: Answered<unknown> }) {
  return (
    <div class="notice good" role="status">
      <Icon name="check" />
      <div>
        <p>{t('quickstart.arrived')}</p>
        <Facts
          of={[
            [t('models.model'), <code>{answered.model}</code>],
            [t('request.total'), duration(answered.ms)],
            [t('request.cost'), answered.cost ? <Money of={answered.cost} /> : '–'],
            [t('request.id'), <span class="inline"><code>{answered.id}</code><CopyButton text={answered.id} quiet label={t('copy.request_id')} /></span>],
          ]}
        />
        <p class="hint">{t('request.no_content')}</p>
        <p>
          <Link to={`/requests/${answered.id}`}>{t('quickstart.next')}</Link>
        </p>
      </div>
    </div>
  );
}
