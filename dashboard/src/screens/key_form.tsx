// What a key may do, as a form.

import { useState } from 'preact/hooks';
import { api, type Problem } from '../api';
import { t } from '../i18n';
import { typed } from '../numbers';
import { PERIODS, type KeyLimits, type Period } from '../types';
import { Button, Checkbox, Choice, Field, TextField } from '../ui/controls';
import { useLoad } from '../ui/load';
import { amountWrong, plain } from './billing_parts';
import { PROVIDERS, useModels } from './models_data';

export const ENDPOINTS = ['chat_completions', 'responses', 'input_tokens', 'messages', 'count_tokens', 'embeddings'] as const;

export interface KeyDraft {
  name: string;
  spend: Record<Period, string>;
  requests: string;
  tokens: string;
  concurrency: string;
  models: string[];
  endpoints: string[];
  networks: string;
  duet: Record<string, unknown>;
}

export function emptyDraft(): KeyDraft {
  return {
    name: '',
    spend: { day: '', week: '', month: '20', total: '' },
    requests: '',
    tokens: '',
    concurrency: '',
    models: [],
    endpoints: [],
    networks: '',
    duet: {},
  };
}

export function draftOf(name: string, limits: KeyLimits): KeyDraft {
  const text = (value: string | number | null) => (value === null ? '' : String(value));
  return {
    name,
    spend: {
      day: plain(limits.spend.day),
      week: plain(limits.spend.week),
      month: plain(limits.spend.month),
      total: plain(limits.spend.total),
    },
    requests: text(limits.requests_per_minute),
    tokens: text(limits.tokens_per_minute),
    concurrency: text(limits.concurrency),
    models: limits.models,
    endpoints: limits.endpoints,
    networks: limits.networks.join('\n'),
    duet: limits.duet,
  };
}

/** The limits as the server reads them. */
export function limitsOf(draft: KeyDraft) {
  const number = (text: string) => (text.trim() === '' ? null : Number(typed(text)));
  const spend = Object.fromEntries(PERIODS.filter((period) => draft.spend[period].trim()).map((period) => [period, typed(draft.spend[period])]));
  return {
    spend,
    requests_per_minute: number(draft.requests),
    tokens_per_minute: number(draft.tokens),
    concurrency: number(draft.concurrency),
    models: draft.models,
    endpoints: draft.endpoints,
    networks: draft.networks.split(/[\s,]+/).filter(Boolean),
    duet: draft.duet,
  };
}

type Faults = Partial<Record<'name' | Period | 'requests' | 'tokens' | 'concurrency', string>>;

/** What is wrong before anything is sent. */
export function faultsOf(draft: KeyDraft): Faults {
  const faults: Faults = {};
  if (draft.name.trim() === '') faults.name = t('key.name_needed');
  for (const period of PERIODS) {
    const amount = typed(draft.spend[period]);
    if (amount && !(/^\d+(\.\d{1,9})?$/.test(amount) && Number(amount) > 0)) faults[period] = amountWrong();
  }
  for (const name of ['requests', 'tokens', 'concurrency'] as const) {
    if (draft[name].trim() && !/^[1-9]\d{0,8}$/.test(typed(draft[name]))) faults[name] = t('form.whole_wrong');
  }
  return faults;
}

export function KeyFields({ draft, onDraft, faults, problem, isOpen = false }: { draft: KeyDraft; onDraft: (draft: KeyDraft) => void; faults: Faults; problem: Problem | null; isOpen?: boolean }) {
  const put = (changes: Partial<KeyDraft>) => onDraft({ ...draft, ...changes });
  const server = (pointer: string) => problem?.faults.find((fault) => fault.pointer.startsWith(pointer))?.detail;
  return (
    <>
      <TextField label={t('key.name')} hint={t('key.name_hint')} maxLength={80} autocomplete="off" value={draft.name} onValue={(name) => put({ name })} error={faults.name ?? server('/name')} />
      <fieldset>
        <legend>{t('key.spend')}</legend>
        <p class="hint">{t('key.spend_hint')}</p>
        <div class="grid four">
          {PERIODS.map((period) => (
            <TextField
              key={period}
              label={t(`period.${period}`)}
              prefix="$"
              inputMode="decimal"
              autocomplete="off"
              placeholder={t('key.none')}
              value={draft.spend[period]}
              onValue={(text) => put({ spend: { ...draft.spend, [period]: text } })}
              error={faults[period]}
            />
          ))}
        </div>
        {server('/limits/spend') && <p class="field-error">{server('/limits/spend')}</p>}
      </fieldset>
      <details open={isOpen}>
        <summary>{t('key.more')}</summary>
        <fieldset>
          <legend>{t('key.rates')}</legend>
          <div class="grid three">
            <TextField label={t('key.requests')} inputMode="numeric" autocomplete="off" placeholder={t('key.none')} value={draft.requests} onValue={(requests) => put({ requests })} error={faults.requests ?? server('/limits/requests')} />
            <TextField label={t('key.tokens')} inputMode="numeric" autocomplete="off" placeholder={t('key.none')} value={draft.tokens} onValue={(tokens) => put({ tokens })} error={faults.tokens ?? server('/limits/tokens')} />
            <TextField label={t('key.concurrency')} inputMode="numeric" autocomplete="off" placeholder={t('key.none')} value={draft.concurrency} onValue={(concurrency) => put({ concurrency })} error={faults.concurrency ?? server('/limits/concurrency')} />
          </div>
        </fieldset>
        <ModelsChoice chosen={draft.models} onChosen={(models) => put({ models })} error={server('/limits/models')} />
        <fieldset>
          <legend>{t('key.endpoints')}</legend>
          <p class="hint">{t('key.endpoints_hint')}</p>
          <div class="checks">
            {ENDPOINTS.map((endpoint) => (
              <Checkbox
                key={endpoint}
                label={t(`endpoint.${endpoint}`)}
                checked={draft.endpoints.includes(endpoint)}
                onValue={(isOn) => put({ endpoints: isOn ? [...draft.endpoints, endpoint] : draft.endpoints.filter((each) => each !== endpoint) })}
              />
            ))}
          </div>
        </fieldset>
        <Field label={t('key.networks')} hint={t('key.networks_hint')} error={server('/limits/networks')} optional>
          {(attributes) => <textarea {...attributes} rows={3} spellcheck={false} placeholder={'192.0.2.0/24\n2001:db8::/32'} value={draft.networks} onInput={(event) => put({ networks: event.currentTarget.value })} />}
        </Field>
        <OwnAddress onAdd={(network) => put({ networks: [...draft.networks.split('\n').filter((line) => line.trim()), network].join('\n') })} />
      </details>
    </>
  );
}

/** From where this page is looked at, which is often from where the key is used too. */
function OwnAddress({ onAdd }: { onAdd: (network: string) => void }) {
  const own = useLoad('address', (signal) => api<{ network: string }>('/me/address', { signal }));
  const network = own.data?.network;
  if (!network) return null;
  return (
    <p class="inline hint">
      {t('key.own_address')} <code>{network}</code>
      <Button onClick={() => onAdd(network)}>{t('key.add_address')}</Button>
    </p>
  );
}

function ModelsChoice({ chosen, onChosen, error }: { chosen: string[]; onChosen: (models: string[]) => void; error?: string | undefined }) {
  const [choosesSome, setSome] = useState(chosen.length > 0);
  const models = useModels();
  const names = [...new Set([...(models.data?.models.map((model) => model.id) ?? []), ...chosen])];
  return (
    <>
      <Choice
        legend={t('key.models')}
        value={choosesSome ? 'some' : 'all'}
        options={[
          ['all', t('key.models_all')],
          ['some', t('key.models_some')],
        ]}
        onValue={(which) => {
          setSome(which === 'some');
          if (which === 'all') onChosen([]);
        }}
      />
      {choosesSome && (
        <fieldset class="checks">
          <legend class="unseen">{t('key.models')}</legend>
          <div class="actions">
            {Object.entries(PROVIDERS).map(([provider, title]) => {
              const own = (models.data?.models ?? []).filter((model) => model.provider === provider).map(({ id }) => id);
              return (
                <Button key={provider} onClick={() => onChosen([...new Set([...chosen, ...own])])}>
                  {t('key.all_of', { name: title })}
                </Button>
              );
            })}
          </div>
          {names.map((name) => (
            <Checkbox
              key={name}
              label={<code>{name}</code>}
              checked={chosen.includes(name)}
              onValue={(isOn) => onChosen(isOn ? [...chosen, name] : chosen.filter((each) => each !== name))}
            />
          ))}
        </fieldset>
      )}
      {error && <p class="field-error">{error}</p>}
    </>
  );
}
