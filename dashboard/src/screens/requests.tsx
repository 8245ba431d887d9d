// The request log, and one request with the arithmetic of its bill.

import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { api, download } from '../api';
import { Pattern, Swatch } from '../charts/patterns';
import { count, duration, exactMoney, short } from '../format';
import { t } from '../i18n';
import { typed, written } from '../numbers';
import { go, Link, setQuery, usePlace } from '../router';
import type { Page as PageOf, RequestDetail, RequestSummary, UsageSeries } from '../types';
import { Button, CopyButton, Form, SelectField, TextField } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Empty, Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Badge, Facts, Money, Page, Pager, Table, Time, type Column, type Tone } from '../ui/page';
import { isFiltered, wanted } from '../usage_filters';
import { pageAddress } from './entries';
import { clearFilters, FilterBar } from './filter_bar';
import { perMillion, PROVIDERS } from './models_data';
import { isShortcut } from './shortcuts';
import { UsageChart } from './usage_chart';

const TONES: Record<RequestSummary['status_class'], Tone> = { success: 'good', client_error: 'warn', rate_limited: 'warn', server_error: 'bad' };
const SIZES = ['25', '50', '100'] as const;
const LIVE_MS = 3_000;

export function Status({ of: request }: { of: RequestSummary }) {
  return (
    <Badge tone={TONES[request.status_class]}>
      {t(`status.${request.status_class}`)} {request.status}
    </Badge>
  );
}

/** Columns that can be had beside those that are always there. */
const MORE: Record<string, (request: RequestSummary) => preact.ComponentChildren> = {
  provider: (request) => PROVIDERS[request.provider] ?? request.provider,
  endpoint: (request) => t(`endpoint.${request.endpoint as 'messages'}`),
  cached: (request) => short(request.cache_read_tokens),
  cache_write: (request) => short(request.cache_write_tokens),
  reasoning: (request) => short(request.reasoning_tokens),
  speed: (request) => (request.tokens_per_second === null ? '–' : count(request.tokens_per_second)),
  finish: (request) => request.finish_reason ?? '–',
  role: (request) => request.role ?? '–',
  stream: (request) => t(request.stream ? 'filter.streamed' : 'filter.whole'),
  attempts: (request) => count(request.attempts),
  price: (request) => request.price_version,
  upstream: (request) => <code>{request.upstream_request_id ?? '–'}</code>,
  id: (request) => <code>{request.id}</code>,
};
type More = 'provider' | 'endpoint' | 'cached' | 'cache_write' | 'reasoning' | 'speed' | 'finish' | 'role' | 'stream' | 'attempts' | 'price' | 'upstream' | 'id';

export function requestColumns(more: string[] = []): Column<RequestSummary>[] {
  const tokens = (number: number) => <span title={count(number)}>{short(number)}</span>;
  return [
    { name: 'at', title: t('security.at'), cell: (each) => <Link to={`/requests/${each.id}`}><Time at={each.created_at} form="second" /></Link> },
    { name: 'status', title: t('key.state'), cell: (each) => <Status of={each} /> },
    { name: 'model', title: t('models.model'), cell: (each) => <code>{each.model}</code> },
    { name: 'key', title: t('key.key'), cell: (each) => each.key_name ?? t('usage.gone_key') },
    { name: 'in', title: t('column.in'), isNumber: true, cell: (each) => tokens(each.input_tokens + each.cache_read_tokens + each.cache_write_tokens) },
    { name: 'out', title: t('column.out'), isNumber: true, cell: (each) => tokens(each.output_tokens) },
    { name: 'cost', title: t('request.cost'), isNumber: true, cell: (each) => <Money of={each.cost} /> },
    { name: 'first', title: t('column.first'), isNumber: true, cell: (each) => (each.first_byte_ms === null ? '–' : duration(each.first_byte_ms)) },
    { name: 'total', title: t('column.total'), isNumber: true, cell: (each) => duration(each.duration_ms) },
    ...more.flatMap((name) => (MORE[name] ? [{ name, title: t(`column.${name as More}`), cell: MORE[name] }] : [])),
  ];
}

const HOPS_MAX = 10;

/** The next page with something in it: the server looks at so many rows at a time, and with filters
 * none of them may match. */
async function findPage(asked: Record<string, string>, cursor: string | null, signal: AbortSignal): Promise<PageOf<RequestSummary>> {
  let page = await api<PageOf<RequestSummary>>('/requests', { query: { ...asked, cursor }, signal });
  for (let hops = 0; hops < HOPS_MAX && page.data.length === 0 && page.next_cursor; hops += 1) {
    page = await api<PageOf<RequestSummary>>('/requests', { query: { ...asked, cursor: page.next_cursor }, signal });
  }
  return page;
}

/** Which page came before one, for as long as this page is open. */
const before = new Map<string, string | null>();

export function Requests({ id }: { id?: string }) {
  const { query } = usePlace();
  const cursor = query.get('cursor');
  const isLive = query.get('live') === '1' && cursor === null;
  const size = SIZES.find((each) => each === query.get('size')) ?? '50';
  const more = (query.get('columns') ?? '').split(',').filter((name) => name in MORE);
  const text = query.toString();
  const asked = useMemo(() => ({ ...wanted(query, new Date()), ...leastOf(query) }), [text]);
  const page = useLoad(`requests ${JSON.stringify(asked)} ${cursor} ${size}`, (signal) => findPage({ ...asked, limit: size }, cursor, signal));
  const { run, isBusy, problem } = useSending();
  const save = (format: 'csv' | 'ndjson') => run(() => download('/requests/export', { query: { ...asked, format } }, `aiduet-requests.${format}`));
  useLive(isLive, page.reload);
  const openRow = (request: RequestSummary) => go(`/requests/${request.id}${location.search}`);
  const older = (next: string) => {
    before.set(next, cursor);
    setQuery({ cursor: next });
  };
  const isNarrowed = isFiltered(query) || LEAST.some((name) => query.has(name));
  const clearAll = () => {
    clearFilters();
    setQuery(Object.fromEntries(LEAST.map((name) => [name, null])), 'replace');
  };
  const toggle = (name: string) => setQuery({ columns: (more.includes(name) ? more.filter((each) => each !== name) : [...more, name]).join(',') }, 'replace');
  return (
    <Page
      title={t('nav.requests')}
      about={t('requests.about')}
      actions={
        <>
          <Button onClick={() => setQuery({ live: isLive ? null : '1', cursor: null })}>{t(isLive ? 'requests.live_off' : 'requests.live_on')}</Button>
          <Button icon="download" busy={isBusy} onClick={() => save('csv')}>
            {t('export.csv')}
          </Button>
          <Button icon="download" busy={isBusy} onClick={() => save('ndjson')}>
            {t('export.json')}
          </Button>
        </>
      }
    >
      {problem && <Failure problem={problem} />}
      <FindRequest />
      <FilterBar more={<LeastFields query={query} />} />
      <Histogram query={query} round={page.data} />
      <Loading of={page} lines={12}>
        {({ data, next_cursor }) => (
          <>
            {data.length === 0 && next_cursor === null ? (
              <Empty
                title={isNarrowed ? t('state.no_match') : t('requests.empty')}
                action={isNarrowed ? <Button onClick={clearAll}>{t('state.clear')}</Button> : <Link class="button primary" to="/quickstart">{t('requests.first')}</Link>}
              />
            ) : (
              <>
                <Table label={t('nav.requests')} columns={requestColumns(more)} rows={data} id={(each) => each.id} onOpen={openRow} />
                {data.length === 0 && <p class="hint">{t('requests.none_here')}</p>}
                <div class="below">
                  <details class="more">
                    <summary>{t('requests.columns')}</summary>
                    <div class="checks">
                      {Object.keys(MORE).map((name) => (
                        <label key={name} class="inline">
                          <input type="checkbox" checked={more.includes(name)} onChange={() => toggle(name)} />
                          {t(`column.${name as More}`)}
                        </label>
                      ))}
                    </div>
                  </details>
                  <SelectField label={t('requests.size')} value={size} onValue={(next) => setQuery({ size: next === '50' ? null : next, cursor: null })} options={SIZES.map((each) => [each, each] as const)} />
                  <Pager hasNewer={cursor !== null} hasOlder={next_cursor !== null} onNewer={() => setQuery({ cursor: (cursor && before.get(cursor)) || null })} onOlder={() => next_cursor && older(next_cursor)} />
                </div>
              </>
            )}
            {id !== undefined && <Drawer id={id} list={data} />}
          </>
        )}
      </Loading>
    </Page>
  );
}

/** Only those that cost or took at least as much. */
const LEAST = ['min_cost', 'min_latency_ms'] as const;

function isNumber(text: string): boolean {
  return /^\d{1,9}(\.\d{1,9})?$/.test(text);
}

function leastOf(query: URLSearchParams): Record<string, string> {
  const set = LEAST.map((name) => [name, query.get(name) ?? ''] as const).filter(([, text]) => isNumber(text));
  return Object.fromEntries(set);
}

function LeastFields({ query }: { query: URLSearchParams }) {
  return (
    <>
      <LeastField name="min_cost" prefix="$" asked={query.get('min_cost') ?? ''} />
      <LeastField name="min_latency_ms" suffix="ms" asked={query.get('min_latency_ms') ?? ''} />
    </>
  );
}

/** What is typed stays as it is, while the address says it as the API reads it. */
function LeastField({ name, asked, ...affix }: { name: (typeof LEAST)[number]; asked: string; prefix?: string; suffix?: string }) {
  const [text, setText] = useState(written(asked));
  useEffect(() => {
    if (typed(text) !== asked) setText(written(asked));
  }, [asked]);
  const ask = (next: string) => {
    setText(next);
    setQuery({ [name]: typed(next), cursor: null }, 'replace');
  };
  return <TextField label={t(`filter.${name}`)} {...affix} inputMode="decimal" autocomplete="off" value={text} onValue={ask} />;
}

const REQUEST_ID = /^req_[0-9a-f]{32}$/;

function FindRequest() {
  const [text, setText] = useState('');
  const [isWrong, setWrong] = useState(false);
  const find = () => {
    const id = text.trim();
    setWrong(!REQUEST_ID.test(id));
    if (REQUEST_ID.test(id)) go(`/requests/${id}${location.search}`);
  };
  return (
    <Form onSend={find} class="row">
      <TextField label={t('request.id')} type="search" autocomplete="off" spellcheck={false} value={text} onValue={setText} error={isWrong ? t('requests.id_wrong') : undefined} />
      <Button type="submit" icon="search">
        {t('requests.find')}
      </Button>
    </Form>
  );
}

/** When they came, by how they ended; a bar leads to its time. */
function Histogram({ query, round }: { query: URLSearchParams; round: unknown }) {
  const asked = useMemo(() => wanted(query, new Date()), [query.toString(), round]);
  const series = useLoad(`times ${JSON.stringify(asked)}`, (signal) => api<UsageSeries>('/usage/series', { query: { ...asked, group_by: 'status' }, signal }));
  if (!series.data || series.data.total.requests === 0) return null;
  return <UsageChart of={series.data} metric="requests" isLow title={t('usage.chart', { metric: t('metric.requests'), by: t('by.status') })} onPick={(from, to) => setQuery({ range: null, cursor: null, from, to })} />;
}

/** Asks again every few seconds, while somebody can see it. */
function useLive(isOn: boolean, reload: () => void): void {
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, LIVE_MS);
    return () => clearInterval(timer);
  }, [isOn, reload]);
}

function Drawer({ id, list }: { id: string; list: RequestSummary[] }) {
  const detail = useLoad(`request ${id}`, (signal) => api<RequestDetail>(`/requests/${encodeURIComponent(id)}`, { signal }));
  const at = list.findIndex((each) => each.id === id);
  const go_to = (request: RequestSummary | undefined) => request && go(`/requests/${request.id}${location.search}`, 'replace');
  const close = () => go(`/requests${location.search}`);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!isShortcut(event)) return;
      if (event.key === 'j') go_to(list[at + 1]);
      if (event.key === 'k') go_to(list[at - 1]);
    };
    addEventListener('keydown', press, true);
    return () => removeEventListener('keydown', press, true);
  }, [at, list]);
  return (
    <Dialog title={t('request.title')} onClose={close} isDrawer>
      <Loading of={detail}>{(request) => <Detail of={request} />}</Loading>
      {at >= 0 && (
        <footer>
          <Button disabled={at === 0} onClick={() => go_to(list[at - 1])}>
            {t('pager.newer')} <kbd aria-hidden="true">K</kbd>
          </Button>
          <Button disabled={at === list.length - 1} onClick={() => go_to(list[at + 1])}>
            {t('pager.older')} <kbd aria-hidden="true">J</kbd>
          </Button>
        </footer>
      )}
    </Dialog>
  );
}

const OUTCOMES = ['completed', 'completed_estimated', 'client_disconnected', 'client_disconnected_estimated', 'upstream_error', 'upstream_interrupted', 'refused', 'balance_exhausted', 'recovered', 'lost'] as const;

function outcome(code: string): string {
  const known = OUTCOMES.find((each) => each === code);
  return known ? t(`outcome.${known}`) : code;
}

/** What a status means, as far as it tells anything. */
function explained(status: number): string {
  const code = status >= 500 ? '5xx' : String(status);
  const known = (['400', '401', '402', '403', '404', '429', '5xx'] as const).find((each) => each === code);
  return t(`explained.${known ?? '400'}`);
}

function Detail({ of: request }: { of: RequestDetail }) {
  const id = (text: string, label: string) => (
    <span class="inline">
      <code>{text}</code>
      <CopyButton text={text} quiet label={label} />
    </span>
  );
  return (
    <div class="detail">
      <Facts
        of={[
          [t('key.state'), <Status of={request} />],
          [t('models.model'), <code>{request.model}</code>],
          [t('models.provider'), PROVIDERS[request.provider] ?? request.provider],
          [t('filter.endpoint'), t(`endpoint.${request.endpoint as 'messages'}`)],
          [t('key.key'), request.key_name ? <Link to={`/keys/${request.key_id}`}>{request.key_name}</Link> : t('usage.gone_key')],
          [t('security.at'), <Time at={request.created_at} form="second" />],
          [t('request.id'), id(request.id, t('copy.request_id'))],
          ...(request.upstream_request_id ? [[t('request.upstream_id'), id(request.upstream_request_id, t('copy.id'))] as const] : []),
          ...(request.role ? [[t('request.role'), <span>{request.role} <code>{request.role_rule}</code></span>] as const] : []),
          [t('request.finish'), request.finish_reason ?? '–'],
        ]}
      />
      <p class="hint">{outcome(request.outcome)}</p>
      {request.status >= 400 && (
        <p class="hint">
          {explained(request.status)} <a href={pageAddress('/docs')}>{t('nav.docs')}</a>
        </p>
      )}
      {request.estimated && <Notice tone="warn">{t('request.estimated')}</Notice>}
      <section>
        <h3>{t('request.timeline')}</h3>
        <Timeline of={request} />
      </section>
      <section>
        <h3>{t('request.bill')}</h3>
        <Bill of={request} />
      </section>
      <section>
        <h3>{t('request.attempts')}</h3>
        <Table
          label={t('request.attempts')}
          rows={request.attempts_detail.map((attempt, index) => ({ ...attempt, index }))}
          id={(each) => String(each.index)}
          columns={[
            { name: 'upstream', title: t('request.upstream'), cell: (each) => each.upstream },
            { name: 'result', title: t('request.result'), cell: (each) => (each.status === null ? each.result : String(each.status)) },
            { name: 'time', title: t('request.total'), isNumber: true, cell: (each) => duration(each.duration_ms) },
          ]}
        />
      </section>
      <Notice>{t('request.no_content')}</Notice>
    </div>
  );
}

/** How the time before the first byte looks in the timeline, and the time after it. */
const WAITING = 5;
const WRITING = 2;

function Timeline({ of: request }: { of: RequestDetail }) {
  const id = useId();
  const waited = (100 * (request.first_byte_ms ?? request.duration_ms)) / Math.max(1, request.duration_ms);
  return (
    <>
      <svg class="timeline" aria-hidden="true">
        <Pattern id={`${id}-waiting`} colour={WAITING} />
        <Pattern id={`${id}-writing`} colour={WRITING} />
        <rect fill={`url(#${id}-waiting)`} width={`${waited}%`} height="100%" />
        <rect fill={`url(#${id}-writing)`} x={`${waited}%`} width={`${100 - waited}%`} height="100%" />
      </svg>
      <Facts
        of={[
          [t('metric.first_byte_ms'), <InPart colour={WAITING}>{request.first_byte_ms === null ? '–' : duration(request.first_byte_ms)}</InPart>],
          [t('request.total'), duration(request.duration_ms)],
          [t('column.speed'), <InPart colour={WRITING}>{request.tokens_per_second === null ? '–' : count(request.tokens_per_second)}</InPart>],
        ]}
      />
    </>
  );
}

/** A figure of one part of the timeline. */
function InPart({ colour, children }: { colour: number; children: string }) {
  return (
    <>
      <Swatch colour={colour} isLine={false} /> {children}
    </>
  );
}

const CLASSES = ['input', 'cache_read', 'cache_write_short', 'cache_write_long', 'output', 'web_searches'] as const;
const STAGES = ['plan', 'code', 'review', 'repair'] as const;

/** Whole pico-dollars as dollars, exactly. */
function picoText(pico: bigint): string {
  const text = pico.toString().padStart(13, '0');
  return `$${written(`${text.slice(0, -12)}.${text.slice(-12).replace(/0{1,10}$/, '')}`)}`;
}

function Bill({ of: request }: { of: RequestDetail }) {
  const { bill } = request;
  const className = (name: string) => {
    const known = CLASSES.find((each) => each === name);
    return known ? t(`class.${known}`) : name;
  };
  const stageName = (name: string | null) => {
    const known = STAGES.find((each) => each === name);
    return known ? t(`stage.${known}`) : '';
  };
  const stages = bill.line_items.some((line) => line.stage !== null);
  if (bill.line_items.length === 0) return <p>{t('request.not_charged')}</p>;
  const sum = BigInt(bill.sum_pico);
  const withMargin = (sum * BigInt(bill.margin_bp)) / 10_000n;
  return (
    <>
      <Table
        label={t('request.bill')}
        rows={bill.line_items.map((line, index) => ({ ...line, index }))}
        id={(line) => String(line.index)}
        columns={[
          ...(stages ? [{ name: 'stage', title: t('request.stage'), cell: (line: { stage: string | null }) => stageName(line.stage) }] : []),
          { name: 'class', title: t('request.class'), cell: (line) => className(line.class) },
          { name: 'quantity', title: t('request.quantity'), isNumber: true, cell: (line) => count(line.quantity) },
          { name: 'rate', title: t('request.rate'), isNumber: true, cell: (line) => <Money of={perMillion(line.rate_pico, 10_000)} /> },
          { name: 'amount', title: t('request.amount'), isNumber: true, cell: (line) => <span class="num">{picoText(BigInt(line.amount_pico))}</span> },
        ]}
      />
      <dl class="sums">
        <dt>{t('request.sum')}</dt>
        <dd class="num">{picoText(sum)}</dd>
        <dt>{t('request.margin')}</dt>
        <dd class="num">{bill.margin_bp === 10_000 ? '× 1' : `× ${written(String(bill.margin_bp / 10_000))} = ${picoText(withMargin)}`}</dd>
        <dt>{t('request.rounded')}</dt>
        <dd class="num" data-charge={bill.charge}>
          <strong>{exactMoney(bill.charge)}</strong>
        </dd>
        <dt>{t('request.price_version')}</dt>
        <dd class="num">{bill.price_version}</dd>
      </dl>
    </>
  );
}

