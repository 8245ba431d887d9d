// A month of calls, made while the clock of the server goes ahead through it: every number on a screen is
// that of the API, and that is what the log and the ledger add up to, in every zone.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Clock } from './clock.mjs';
import { nano, stage } from './harness.mjs';
import { settled } from './screens.mjs';

const ZONES = ['Asia/Shanghai', 'Asia/Kolkata', 'America/Los_Angeles'];
const DAYS = 29;
const CALLS = 90;
const DAY = 86_400;
const MODELS = ['gpt-5.4-mini', 'gpt-5.4', 'claude-haiku-4-5', 'claude-sonnet-5-5'];

/** The same numbers every time, from 0 to below 1. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const clock = new Clock();
clock.set(0);

async function post(site, path, key, body) {
  const response = await fetch(site.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return [response.status, await response.text()];
}

async function month(site) {
  const [, entered] = await post(site, '/api/v1/auth/login', '', { email: site.email, password: site.password, stay_signed_in: false });
  const keys = [site.key];
  for (const name of ['second', 'third']) {
    const [status, issued] = await post(site, '/api/v1/keys', JSON.parse(entered).access_token, { name, limits: {} });
    assert.equal(status, 201, issued);
    keys.push(JSON.parse(issued).key);
  }
  const number = numbers(7);
  const pick = (all) => all[Math.floor(number() * all.length)];
  const times = Array.from({ length: CALLS }, () => number() * DAYS * DAY).sort((a, b) => a - b);
  for (const time of [...times, DAYS * DAY]) {
    clock.set(time);
    const body = { model: pick(MODELS), messages: [{ role: 'user', content: 'Say it. '.repeat(1 + number() * 200) }], max_completion_tokens: 16 + Math.floor(number() * 200), stream: number() < 0.4 };
    const [status, text] = await post(site, '/v1/chat/completions', pick(keys), body);
    assert.equal(status, 200, text);
  }
}

const here = stage(undefined, { environment: clock.environment(), early: month, ahead: DAYS * DAY });
after(() => clock.remove());

/** Goes somewhere, and returns what the API answered for it. */
async function visit(page, path, ...endpoints) {
  const answers = endpoints.map((endpoint) => page.waitForResponse((response) => new URL(response.url()).pathname === `/api/v1${endpoint}` && response.ok()));
  await page.goto(`/dashboard${path}`);
  const all = await Promise.all(answers.map(async (answer) => (await answer).json()));
  await settled(page);
  return all;
}

/** The cells of a table: the whole number behind what is shown, or its text. */
function cells(page, name, part = 'tbody') {
  const table = page.getByRole('table', { name, exact: true });
  return table.locator(`${part} tr`).evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.querySelector('[title]:not(button)')?.title ?? cell.innerText)));
}

const number = (text) => Number(text.replaceAll(',', ''));
const sum = (all, of) => all.reduce((total, each) => total + of(each), 0n);

/** A fact or figure, as text and as the whole behind it. */
async function fact(page, name) {
  const value = page.locator('.facts > div, .figures > div').filter({ has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).first().locator('dd');
  return (await value.locator('[title]').count()) > 0 ? value.locator('[title]').first().getAttribute('title') : (await value.innerText()).split('\n')[0];
}

async function sameTotals(page, total, where) {
  assert.equal(nano(await fact(page, 'Cost')), nano(total.cost), where);
  assert.equal(number(await fact(page, 'Requests')), total.requests, where);
  const input = total.input_tokens + total.cache_read_tokens + total.cache_write_tokens;
  assert.deepEqual((await fact(page, 'Tokens in / out')).split(' / ').map(number), [input, total.output_tokens], where);
}

async function wholeLog() {
  const { data } = await here.ask('/requests?limit=100');
  assert.equal(data.length, CALLS + 1);
  return data;
}

test('the log adds up to the ledger, and the statement to the balance', async () => {
  const log = await wholeLog();
  const used = sum(log, ({ cost }) => nano(cost));
  const balance = await here.ask('/billing/balance');
  assert.equal(used, nano(balance.used));
  await here.signedIn(async (page) => {
    const [{ data }] = await visit(page, '/billing', '/billing/transactions');
    const rows = await cells(page, 'Transactions');
    assert.equal(rows.length, data.length);
    for (const [index, [, , , amount, after]] of rows.entries()) {
      assert.equal(nano(amount), nano(data[index].amount));
      assert.equal(nano(after), nano(data[index].balance));
    }
    const { data: all } = await here.ask('/billing/transactions?limit=100');
    assert.equal(sum(all.filter(({ kind }) => kind === 'usage'), ({ amount }) => nano(amount)), -used);
    assert.equal(nano(rows[0][4]), nano(balance.available));
    assert.ok(new Set(all.map(({ day }) => day)).size > 20, 'a month has days');
  });
});

test('the log shows what the API says of each request', async () => {
  const log = await wholeLog();
  await here.signedIn(async (page) => {
    const [{ data }] = await visit(page, '/requests?range=90d&size=100', '/requests');
    assert.deepEqual(data.map(({ id }) => id), log.map(({ id }) => id));
    const rows = await cells(page, 'Requests');
    for (const [index, [, , model, key, input, output, cost]] of rows.entries()) {
      const { model: asked, key_name: name, input_tokens: fresh, cache_read_tokens: read, cache_write_tokens: written, output_tokens: out, cost: charged } = data[index];
      assert.deepEqual([model, key, number(input), number(output), nano(cost)], [asked, name, fresh + read + written, out, nano(charged)]);
    }
  });
});

for (const timezoneId of ZONES) {
  test(`overview and usage show what the API says and the log adds up to, in ${timezoneId}`, async () => {
    const log = await wholeLog();
    await here.signedIn(
      async (page) => {
        const [report] = await visit(page, '', '/overview');
        for (const [name, span] of [['Today', 'today'], ['7 days', 'last_7_days'], ['30 days', 'last_30_days']]) {
          await page.getByRole('radio', { name, exact: true }).check({ force: true });
          await sameTotals(page, report[span].now, `overview, ${name}`);
        }
        assert.equal(nano(report.last_30_days.now.cost), sum(log, ({ cost }) => nano(cost)), 'the month is within 30 days');
        for (const [title, groups] of [['Top models', report.top_models], ['Top keys', report.top_keys]]) {
          const rows = (await cells(page, title)).map(([group, requests, cost]) => [group, number(requests), nano(cost)]);
          assert.deepEqual(rows, groups.map((group) => [group.name ?? group.group, group.requests, nano(group.cost)]));
        }
        for (const [by, metric] of [['model', 'cost'], ['key', 'requests'], ['status', 'output_tokens']]) {
          const where = `usage by ${by} in ${timezoneId}`;
          const [series, breakdown] = await visit(page, `/usage?range=30d&by=${by}&metric=${metric}`, '/usage/series', '/usage/breakdown');
          const [from, to] = [series.from, series.to].map(Date.parse);
          const within = log.filter(({ created_at: at }) => Date.parse(at) >= from && Date.parse(at) < to);
          assert.equal(series.total.requests, within.length, where);
          assert.equal(nano(series.total.cost), sum(within, ({ cost }) => nano(cost)), where);
          assert.equal(sum(series.buckets, ({ total }) => nano(total.cost)), nano(series.total.cost), `${where}: the days add up`);
          await sameTotals(page, series.total, where);
          const rows = await cells(page, 'Breakdown');
          for (const [group, requests, input, cached, output, cost, , each] of rows) {
            const own = breakdown.data.find(({ group: id, name }) => group === (name ?? id) || group.toLowerCase() === id);
            assert.deepEqual([requests, input, cached, output].map(number), [own.requests, own.input_tokens, own.cache_read_tokens, own.output_tokens], where);
            assert.deepEqual([cost, each].map(nano), [nano(own.cost), nano(own.cost_per_request)], where);
          }
          const [[, requests, , , , cost]] = await cells(page, 'Breakdown', 'tfoot');
          assert.deepEqual([number(requests), nano(cost)], [breakdown.total.requests, nano(breakdown.total.cost)], where);
          await page.keyboard.press('t');
          const drawn = await page.locator('.chart tbody tr').evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.querySelector('[title]')?.title ?? cell.innerText)));
          assert.equal(drawn.length, series.buckets.length);
          for (const [index, [day, ...values]] of drawn.entries()) {
            const bucket = series.buckets[index];
            const local = new Intl.DateTimeFormat('en-CA', { timeZone: timezoneId }).format(new Date(bucket.from));
            assert.equal(day, local, where);
            const told = series.groups.map(({ group }) => bucket.groups.find((each) => each.group === group));
            const expected = told.map((own) => (metric === 'cost' ? nano(own?.cost ?? '0') : BigInt(own?.[metric] ?? 0)));
            assert.deepEqual(values.map((text) => (metric === 'cost' ? nano(text) : BigInt(number(text)))), expected, `${where}, ${day}`);
          }
        }
      },
      { timezoneId },
    );
  });
}
