// Models and what they cost, over time too, with a calculator.

import { useMemo, useState } from 'preact/hooks';
import { open } from '../api';
import { count, day, exactMoney, price, short } from '../format';
import { t, type Key } from '../i18n';
import { typed, written } from '../numbers';
import { setQuery, usePlace } from '../router';
import { SNIPPETS } from '../snippets';
import { Button, CopyButton, SelectField, TextField } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Empty, Loading, useLoad } from '../ui/load';
import { Badge, Card, Facts, Money, Page, Table, type Column } from '../ui/page';
import { charge, PROVIDERS, useModels, type Model, type ModelList, type ModelPrices, type Rates } from './models_data';

type Side = 'ours' | 'list';

/** What prices are shown for. */
interface Unit {
  margin: number;
  /** Tokens: a million or a thousand. */
  tokens: number;
}

const COMPARED_MAX = 4;
const CONTEXTS = ['0', '200000', '400000', '1000000'] as const;
const PRICES = ['', '0.5', '1', '3', '10'] as const;
/** What a model can do, as far as it is known. */
const ABILITIES: Record<string, [title: Key, has: (model: Model) => boolean]> = {
  caching: ['models.can_cache', ({ caches }) => caches],
  reasoning: ['models.can_reason', ({ reasons }) => reasons === true],
  search: ['models.can_search', ({ web_search_pico: search }) => search !== null],
};
const DOLLAR_PICO_PER_TOKEN = 1_000_000;

export function Models() {
  const models = useModels();
  const { query } = usePlace();
  const chosen = query.get('model');
  return (
    <Page title={t('nav.models')} about={t('models.about')}>
      <Loading of={models} lines={12}>
        {(list) => {
          const found = list.models.find(({ id }) => id === chosen);
          return (
            <>
              <Catalogue of={list} />
              <Calculator list={list} />
              {found && <ModelDialog of={found} list={list} onClose={() => setQuery({ model: null }, 'replace')} />}
            </>
          );
        }}
      </Loading>
    </Page>
  );
}

function Catalogue({ of: list }: { of: ModelList }) {
  const { query } = usePlace();
  const text = (name: string, other = '') => query.get(name) ?? other;
  const search = text('q').toLowerCase();
  const side = text('price', 'ours') as Side;
  const compared = text('compare').split(',').filter(Boolean);
  const isComparing = compared.length > 0 && text('only') === '1';
  const unit = { margin: side === 'ours' ? list.margin_bp : 10_000, tokens: text('unit') === '1000' ? 1_000 : 1_000_000 };
  const isMeant = (model: Model) =>
    model.id.includes(search) &&
    (text('provider') === '' || model.provider === text('provider')) &&
    (model.context_window ?? model.max_input ?? 0) >= Number(text('context', '0')) &&
    (ABILITIES[text('can')]?.[1](model) ?? true) &&
    (text('most') === '' || (model.rates.input * unit.margin) / 10_000 <= Number(text('most')) * DOLLAR_PICO_PER_TOKEN);
  const shown = list.models.filter((model) => (isComparing ? compared.includes(model.id) : isMeant(model)));
  const sort = text('sort');
  const value = SORTS[sort];
  const isDown = text('order') === 'down';
  const rows = value ? [...shown].sort((a, b) => (value(a) - value(b)) * (isDown ? -1 : 1)) : shown;
  const onSort = (name: string) => setQuery(name === sort ? { order: isDown ? null : 'down' } : { sort: name, order: null }, 'replace');
  const toggle = (id: string) => setQuery({ compare: (compared.includes(id) ? compared.filter((each) => each !== id) : [...compared, id].slice(-COMPARED_MAX)).join(',') }, 'replace');
  return (
    <>
      <div class="filters">
        <TextField label={t('models.search')} type="search" value={text('q')} onValue={(next) => setQuery({ q: next }, 'replace')} />
        <SelectField label={t('models.provider')} value={text('provider')} onValue={(next) => setQuery({ provider: next })} options={[['', t('filter.all')], ...Object.entries(PROVIDERS)]} />
        <SelectField label={t('models.context_least')} value={text('context', '0')} onValue={(next) => setQuery({ context: next === '0' ? null : next })} options={CONTEXTS.map((each) => [each, each === '0' ? t('filter.all') : short(Number(each))] as const)} />
        <SelectField label={t('models.input_most')} value={text('most')} onValue={(next) => setQuery({ most: next })} options={PRICES.map((each) => [each, each === '' ? t('filter.all') : `$${written(each)}`] as const)} />
        <SelectField label={t('models.can')} value={text('can')} onValue={(next) => setQuery({ can: next })} options={[['', t('filter.all')], ...Object.entries(ABILITIES).map(([name, [title]]) => [name, t(title)] as const)]} />
        <SelectField
          label={t('models.unit')}
          value={text('unit')}
          onValue={(next) => setQuery({ unit: next })}
          options={[
            ['', t('models.per_million')],
            ['1000', t('models.per_thousand')],
          ]}
        />
        {list.margin_bp !== 10_000 && (
          <SelectField
            label={t('models.price')}
            value={side}
            onValue={(next) => setQuery({ price: next === 'ours' ? null : next })}
            options={[
              ['ours', t('models.ours')],
              ['list', t('models.list')],
            ]}
          />
        )}
        {compared.length > 0 && (
          <div class="actions">
            <Button onClick={() => setQuery({ only: isComparing ? null : '1' })}>{isComparing ? t('models.show_all') : t('models.compare', { n: compared.length })}</Button>
            <Button kind="quiet" onClick={() => setQuery({ only: null, compare: null })}>{t('models.compare_none')}</Button>
          </div>
        )}
      </div>
      {rows.length === 0 ? (
        <Empty title={t('state.no_match')} />
      ) : (
        <Table label={t('nav.models')} columns={columns(unit, compared, toggle)} rows={rows} id={(model) => model.id} sort={{ by: sort, isDown, onSort, columns: Object.keys(SORTS) }} />
      )}
      <p class="hint">
        {list.margin_bp === 10_000 ? t('models.at_list') : t('models.margin', { percent: count((list.margin_bp - 10_000) / 100) })}{' '}
        {t('models.version', { version: list.price_version, day: day(list.effective_from) })}
      </p>
    </>
  );
}

const SORTS: Record<string, (model: Model) => number> = {
  context: (model) => model.context_window ?? model.max_input ?? 0,
  out: (model) => model.max_output ?? 0,
  input: (model) => model.rates.input,
  output: (model) => model.rates.output ?? 0,
};

function Rate({ pico, unit: { margin, tokens } }: { pico: number | null; unit: Unit }) {
  if (pico === null) return <span class="muted">–</span>;
  const amount = charge([[tokens, pico]], margin);
  return (
    <span class="num" title={exactMoney(amount)}>
      {price(amount)}
    </span>
  );
}

/** A class without a rate of its own costs what input costs. */
function rateColumns<T>(of: (row: T) => Rates, unit: Unit): Column<T>[] {
  const column = (name: string, title: string, pick: (rates: Rates) => number | null): Column<T> => ({ name, title, isNumber: true, cell: (row) => <Rate pico={pick(of(row))} unit={unit} /> });
  return [
    column('input', t('models.input'), ({ input }) => input),
    column('cache_read', t('models.cache_read'), (rates) => rates.cache_read ?? rates.input),
    column('cache_write', t('models.cache_write'), (rates) => rates.cache_write_short ?? rates.input),
    column('output', t('models.output'), ({ output }) => output),
  ];
}

function columns(unit: Unit, compared: string[], onCompare: (id: string) => void): Column<Model>[] {
  return [
    {
      name: 'model',
      title: t('models.model'),
      cell: (model) => (
        <span class="inline">
          <input type="checkbox" aria-label={t('models.compare_one', { name: model.id })} checked={compared.includes(model.id)} onChange={() => onCompare(model.id)} />
          <button type="button" class="link" onClick={() => setQuery({ model: model.id })}>
            <code class="strong">{model.id}</code>
          </button>
          <CopyButton text={model.id} quiet label={t('copy.name', { name: model.id })} />
          {model.retires_at && <Badge tone="warn">{t('models.until', { day: day(model.retires_at) })}</Badge>}
        </span>
      ),
    },
    { name: 'provider', title: t('models.provider'), cell: (model) => PROVIDERS[model.provider] ?? model.provider },
    { name: 'context', title: t('models.context'), isNumber: true, cell: (model) => size(model.context_window ?? model.max_input) },
    { name: 'out', title: t('models.max_output'), isNumber: true, cell: (model) => size(model.max_output) },
    ...rateColumns<Model>(({ rates }) => rates, unit),
  ];
}

function size(tokens: number | null) {
  return tokens === null ? <span class="muted">–</span> : <span title={count(tokens)}>{short(tokens)}</span>;
}

const MILLION = 1_000_000;

/** One model: its prices for larger prompts and over time, and how it is called. */
function ModelDialog({ of: model, list, onClose }: { of: Model; list: ModelList; onClose: () => void }) {
  const prices = useLoad(`prices ${model.id}`, (signal) => open<ModelPrices>(`/models/${encodeURIComponent(model.id)}/prices`, { signal }));
  const unit = { margin: list.margin_bp, tokens: MILLION };
  const abilities = Object.values(ABILITIES).filter(([, has]) => has(model)).map(([title]) => t(title));
  const isChat = model.endpoints.includes('chat_completions');
  const code = SNIPPETS[isChat ? 'curl' : 'curl-anthropic']?.code({ origin: location.origin, key: null, openai: model.id, anthropic: model.id, streams: false }) ?? '';
  return (
    <Dialog title={model.id} onClose={onClose} isWide>
      <div class="detail">
        <Facts
          of={[
            [t('models.provider'), PROVIDERS[model.provider] ?? model.provider],
            [t('models.context'), size(model.context_window ?? model.max_input)],
            [t('models.max_output'), size(model.max_output)],
            ...(abilities.length > 0 ? [[t('models.can'), abilities.join(' · ')] as const] : []),
            ...(model.retires_at ? [[t('models.retires'), day(model.retires_at)] as const] : []),
          ]}
        />
        {model.tiers.length > 0 && (
          <section>
            <h3>{t('models.tiers')}</h3>
            <Table
              label={t('models.tiers')}
              rows={[{ above_prompt_tokens: 0, rates: model.rates }, ...model.tiers]}
              id={(tier) => String(tier.above_prompt_tokens)}
              columns={[
                { name: 'above', title: t('models.prompt'), cell: (tier) => (tier.above_prompt_tokens === 0 ? t('models.smaller') : t('models.above', { n: short(tier.above_prompt_tokens) })) },
                ...rateColumns<Model['tiers'][number]>(({ rates }) => rates, unit),
              ]}
            />
          </section>
        )}
        <section>
          <h3>{t('models.history')}</h3>
          <Loading of={prices} lines={2}>
            {({ data }) => (
              <Table
                label={t('models.history')}
                rows={data}
                id={(each) => each.effective_from}
                columns={[
                  { name: 'from', title: t('models.from'), cell: (each) => <span class="inline"><span class="num">{day(each.effective_from)}</span>{each.in_force && <Badge tone="good">{t('models.in_force')}</Badge>}</span> },
                  ...rateColumns<ModelPrices['data'][number]>(({ rates }) => rates, unit),
                ]}
              />
            )}
          </Loading>
        </section>
        {(isChat || model.endpoints.includes('messages')) && (
          <section class="snippets">
            <h3>{t('models.call')}</h3>
            <pre tabIndex={0} role="region" aria-label={t('models.call')}>
              <code translate={false}>{code}</code>
            </pre>
            <CopyButton text={code} />
          </section>
        )}
      </div>
    </Dialog>
  );
}

const MONTH_DAYS = 30n;

function Calculator({ list }: { list: ModelList }) {
  const [id, setId] = useState(list.models.find((model) => model.rates.output !== null)?.id ?? '');
  const [input, setInput] = useState('2000');
  const [cached, setCached] = useState('0');
  const [output, setOutput] = useState('500');
  const [calls, setCalls] = useState('100');
  const model = list.models.find((each) => each.id === id);
  const whole = (text: string) => (/^\d{1,9}$/.test(typed(text)) ? Number(typed(text)) : null);
  const numbers = [whole(input), whole(cached), whole(output), whole(calls)];
  const each = useMemo(() => {
    const [fresh, read, out] = numbers;
    if (!model || fresh == null || read == null || out == null) return null;
    const prompt = fresh + read;
    const tier = model.tiers.filter((step) => prompt > step.above_prompt_tokens).at(-1);
    const rates = tier?.rates ?? model.rates;
    return charge([[fresh, rates.input], [read, rates.cache_read ?? rates.input], [out, rates.output ?? 0]], list.margin_bp);
  }, [model, ...numbers]);
  const perDay = numbers[3];
  const field = (label: string, value: string, set: (value: string) => void) => (
    <TextField label={label} inputMode="numeric" autocomplete="off" value={value} onValue={set} error={whole(value) === null ? t('form.whole_wrong') : undefined} />
  );
  return (
    <Card title={t('calculator.title')} about={t('calculator.about')}>
      <div class="grid five">
        <SelectField label={t('models.model')} value={id} onValue={setId} options={list.models.map((each) => [each.id, each.id] as const)} />
        {field(t('calculator.input'), input, setInput)}
        {field(t('calculator.cached'), cached, setCached)}
        {field(t('calculator.output'), output, setOutput)}
        {field(t('calculator.calls'), calls, setCalls)}
      </div>
      {each !== null && perDay != null && (
        <div aria-live="polite">
          <Facts
            of={[
              [t('calculator.per_call'), <Money of={each} />],
              [t('calculator.per_day'), <Money of={each * BigInt(perDay)} />],
              [t('calculator.per_month'), <strong><Money of={each * BigInt(perDay) * MONTH_DAYS} /></strong>],
            ]}
          />
        </div>
      )}
    </Card>
  );
}

