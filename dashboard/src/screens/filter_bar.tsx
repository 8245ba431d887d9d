// The range and the filters of usage and requests.

import type { ComponentChildren } from 'preact';
import { api } from '../api';
import { day, offsetName, zone } from '../format';
import { t } from '../i18n';
import { setQuery, usePlace } from '../router';
import type { ApiKey, Page as PageOf } from '../types';
import { SelectField, TextField } from '../ui/controls';
import { Icon } from '../ui/icons';
import { useLoad } from '../ui/load';
import { bounds, FILTERS, RANGES, rangeOf, STATUSES, type Filter } from '../usage_filters';
import { ENDPOINTS } from './key_form';
import { PROVIDERS, useModels } from './models_data';

/** The day of a bound, which is a day or a moment. */
function date(bound: string): string {
  return bound.length > 10 ? day(bound) : bound;
}

/** `more` are fields of the page itself. */
export function FilterBar({ more }: { more?: ComponentChildren }) {
  const { query } = usePlace();
  const range = rangeOf(query);
  const models = useModels();
  const keys = useLoad('keys of filters', (signal) => api<PageOf<ApiKey>>('/keys', { query: { limit: 100 }, signal }));
  const pick = (name: Filter) => (value: string) => setQuery({ [name]: value, cursor: null });
  /** What a filter that is set is called. */
  const chips = FILTERS.flatMap((name) => {
    const value = query.get(name);
    return value === null || value === '' ? [] : [[name, textOf(name, value, keys.data?.data ?? [])] as const];
  });
  const select = (name: Filter, label: string, options: readonly (readonly [string, string])[]) => {
    const value = query.get(name) ?? '';
    const known = options.some(([each]) => each === value) || value === '' ? options : [...options, [value, value] as const];
    return <SelectField label={label} value={value} onValue={pick(name)} options={[['', t('filter.all')], ...known]} />;
  };
  const chosen = bounds(query, new Date());
  return (
    <div class="filters">
      <SelectField
        label={t('filter.range')}
        value={range}
        onValue={(next) => setQuery(next === 'custom' ? { range: null, from: date(chosen.from), to: date(chosen.to), cursor: null } : { range: next, from: null, to: null, cursor: null })}
        options={RANGES.map((each) => [each, t(`range.${each}`)] as const)}
      />
      {range === 'custom' && (
        <>
          <TextField label={t('filter.from')} type="date" value={date(chosen.from)} onValue={(from) => from && setQuery({ from, to: date(chosen.to), cursor: null })} />
          <TextField label={t('filter.to')} type="date" value={date(chosen.to)} onValue={(to) => to && setQuery({ to, from: date(chosen.from), cursor: null })} />
        </>
      )}
      {select('model', t('models.model'), (models.data?.models ?? []).map((model) => [model.id, model.id] as const))}
      {select('key_id', t('key.key'), (keys.data?.data ?? []).map((key) => [key.id, key.name] as const))}
      {select('status', t('key.state'), STATUSES.map((each) => [each, t(`status.${each}`)] as const))}
      <details class="more">
        <summary>{t('filter.more')}</summary>
        <div>
          {select('provider', t('models.provider'), Object.entries(PROVIDERS))}
          {select('endpoint', t('filter.endpoint'), ENDPOINTS.map((each) => [each, t(`endpoint.${each}`)] as const))}
          {select('stream', t('filter.stream'), [
            ['true', t('filter.streamed')],
            ['false', t('filter.whole')],
          ])}
          {more}
        </div>
      </details>
      {chips.length > 0 && (
        <ul class="chips" aria-label={t('filter.set')}>
          {chips.map(([name, text]) => (
            <li key={name}>
              <button type="button" class="chip" aria-label={t('filter.remove', { name: text })} onClick={() => pick(name)('')}>
                {text}
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p class="hint">
        {t('filter.zone', { zone: zone(), offset: offsetName() })} {t('filter.kept')}
      </p>
    </div>
  );
}

function textOf(name: Filter, value: string, keys: ApiKey[]): string {
  switch (name) {
    case 'key_id':
      return keys.find(({ id }) => id === value)?.name ?? value;
    case 'provider':
      return PROVIDERS[value] ?? value;
    case 'status': {
      const known = STATUSES.find((each) => each === value);
      return known ? t(`status.${known}`) : value;
    }
    case 'endpoint': {
      const known = ENDPOINTS.find((each) => each === value);
      return known ? t(`endpoint.${known}`) : value;
    }
    case 'stream':
      return t(value === 'true' ? 'filter.streamed' : 'filter.whole');
    case 'model':
      return value;
  }
}

export function clearFilters(): void {
  setQuery({ ...Object.fromEntries(FILTERS.map((name) => [name, null])), cursor: null });
}
