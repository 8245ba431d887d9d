// Models and what they cost, with a calculator.

import { useMemo, useState } from 'preact/hooks';
import { count, day, exactMoney, price, short } from '../format';
import { t } from '../i18n';
import { setQuery, usePlace } from '../router';
import { CopyButton, SelectField, TextField } from '../ui/controls';
import { Empty, Loading } from '../ui/load';
import { Badge, Card, Facts, Money, Page, Table, type Column } from '../ui/page';
import { charge, perMillion, useModels, type Model, type ModelList } from './models_data';

export const PROVIDERS: Record<string, string> = { anthropic: 'Anthropic', openai: 'OpenAI' };

type Side = 'ours' | 'list';

export function Models() {
  const models = useModels();
  const { query } = usePlace();
  const search = (query.get('q') ?? '').toLowerCase();
  const provider = query.get('provider') ?? 'all';
  const side = (query.get('price') ?? 'ours') as Side;
  return (
    <Page title={t('nav.models')} about={t('models.about')}>
      <Loading of={models} lines={12}>
        {(list) => {
          const shown = list.models.filter((model) => model.id.includes(search) && (provider === 'all' || model.provider === provider));
          return (
            <>
              <div class="filters">
                <TextField label={t('models.search')} type="search" value={query.get('q') ?? ''} onValue={(text) => setQuery({ q: text }, 'replace')} />
                <SelectField
                  label={t('models.provider')}
                  value={provider}
                  onValue={(next) => setQuery({ provider: next === 'all' ? null : next })}
                  options={[['all', t('filter.all')], ...Object.entries(PROVIDERS)]}
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
              </div>
              {shown.length === 0 ? (
                <Empty title={t('state.no_match')} />
              ) : (
                <Table label={t('nav.models')} columns={columns(side === 'ours' ? list.margin_bp : 10_000)} rows={shown} id={(model) => model.id} />
              )}
              <p class="hint">
                {list.margin_bp === 10_000 ? t('models.at_list') : t('models.margin', { percent: String((list.margin_bp - 10_000) / 100) })}{' '}
                {t('models.version', { version: list.price_version, day: day(list.effective_from) })}
              </p>
              <Calculator list={list} />
            </>
          );
        }}
      </Loading>
    </Page>
  );
}

function columns(margin: number): Column<Model>[] {
  const rate = (pico: number | null) => (pico === null ? <span class="muted">–</span> : <span class="num" title={exactMoney(perMillion(pico, margin))}>{price(perMillion(pico, margin))}</span>);
  return [
    {
      name: 'model',
      title: t('models.model'),
      cell: (model) => (
        <span class="inline">
          <code class="strong">{model.id}</code>
          <CopyButton text={model.id} quiet label={t('copy.name', { name: model.id })} />
          {model.retires_at && <Badge tone="warn">{t('models.until', { day: day(model.retires_at) })}</Badge>}
        </span>
      ),
    },
    { name: 'provider', title: t('models.provider'), cell: (model) => PROVIDERS[model.provider] ?? model.provider },
    { name: 'context', title: t('models.context'), isNumber: true, cell: (model) => size(model.context_window ?? model.max_input) },
    { name: 'out', title: t('models.max_output'), isNumber: true, cell: (model) => size(model.max_output) },
    { name: 'input', title: t('models.input'), isNumber: true, cell: (model) => rate(model.rates.input) },
    { name: 'cache_read', title: t('models.cache_read'), isNumber: true, cell: (model) => rate(model.rates.cache_read) },
    { name: 'cache_write', title: t('models.cache_write'), isNumber: true, cell: (model) => rate(model.rates.cache_write_short) },
    { name: 'output', title: t('models.output'), isNumber: true, cell: (model) => rate(model.rates.output) },
  ];
}

function size(tokens: number | null) {
  return tokens === null ? <span class="muted">–</span> : <span title={count(tokens)}>{short(tokens)}</span>;
}

const MONTH_DAYS = 30n;

function Calculator({ list }: { list: ModelList }) {
  const [id, setId] = useState(list.models.find((model) => model.rates.output !== null)?.id ?? '');
  const [input, setInput] = useState('2000');
  const [cached, setCached] = useState('0');
  const [output, setOutput] = useState('500');
  const [calls, setCalls] = useState('100');
  const model = list.models.find((each) => each.id === id);
  const whole = (text: string) => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : null);
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

