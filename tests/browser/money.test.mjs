// Money and numbers as text, and numbers that are typed: nothing is lost, and nothing that was paid is
// shown as nothing.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { beforeEach, test } from 'node:test';

const SOURCE = new URL('../../dashboard/', import.meta.url);
const { buildSync } = createRequire(new URL('package.json', SOURCE))('esbuild');
const contents = ['format', 'numbers', 'preferences', 'theme'].map((name) => `export * from './${name}';`).join('');
// Of a browser, what is looked at when it is loaded.
const banner = { js: "const navigator = { languages: ['en'] }; const matchMedia = () => new EventTarget();" };
const { outputFiles } = buildSync({ stdin: { contents, resolveDir: new URL('src', SOURCE).pathname }, bundle: true, write: false, format: 'esm', banner });
const { count, duration, exactMoney, money, nano, NUMBER_FORMATS, percent, preferences, price, short, typed, written } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);

const write = (numbers) => preferences.set({ ...preferences.get(), numbers });
beforeEach(() => write('language'));

test('an amount is as long as it tells something', () => {
  for (const [amount, shown] of [
    ['0', '$0.00'],
    ['0.000000000', '$0.00'],
    ['0.000000001', '< $0.000001'],
    ['0.000000999', '< $0.000001'],
    ['0.000001', '$0.000001'],
    ['0.000421', '$0.000421'],
    ['0.0004215', '$0.000422'],
    ['0.009999999', '$0.010000'],
    ['0.01', '$0.01'],
    ['0.0125', '$0.0125'],
    ['0.5', '$0.50'],
    ['1', '$1.00'],
    ['12.404999999', '$12.40'],
    ['12.405', '$12.41'],
    ['1234567.891', '$1,234,567.89'],
    ['9223372036.854775807', '$9,223,372,036.85'],
    ['-3', '−$3.00'],
    ['-0.000000001', '> −$0.000001'],
  ]) {
    assert.equal(money(amount), shown, amount);
  }
});

test('a whole amount is told to the nano-dollar, and read back', () => {
  for (const value of [0n, 1n, 999n, 1_000n, 421_000n, 10n ** 9n, 123_456_789_012_345_678n, 2n ** 63n - 1n]) {
    for (const signed of [value, -value]) {
      const text = exactMoney(signed);
      assert.equal(nano(text.replace(/[ ,]|USD/g, '').replace('−', '-')), signed, text);
    }
  }
  assert.equal(exactMoney('0.000421000'), '0.000421000 USD');
});

test('a rate has no zeros behind what it says', () => {
  assert.equal(price(5_000_000n), '$0.005');
  assert.equal(price(75_000_000n), '$0.075');
  assert.equal(price(2_500_000_000n), '$2.50');
  assert.equal(price(0n), '$0.00');
});

test('what is no amount is nothing', () => {
  for (const text of ['', 'NaN', '1e9', '--1', '1.', '.5']) assert.equal(nano(text), 0n, text);
});

test('numbers have the marks that were chosen', () => {
  for (const [numbers, ...shown] of [
    ['language', '1,234,567', '9,999', '1.2M', '12.3%', '1.50 s', '$1,234.50', '$0.075', '< $0.000001', '−1,234.500000000 USD'],
    ['1.234,56', '1.234.567', '9.999', '1,2M', '12,3%', '1,50 s', '$1.234,50', '$0,075', '< $0,000001', '−1.234,500000000 USD'],
    ['1’234.56', '1’234’567', '9’999', '1.2M', '12.3%', '1.50 s', '$1’234.50', '$0.075', '< $0.000001', '−1’234.500000000 USD'],
    ['1\u202f234,56', '1\u202f234\u202f567', '9\u202f999', '1,2M', '12,3%', '1,50 s', '$1\u202f234,50', '$0,075', '< $0,000001', '−1\u202f234,500000000 USD'],
    ['1234.56', '1234567', '9999', '1.2M', '12.3%', '1.50 s', '$1234.50', '$0.075', '< $0.000001', '−1234.500000000 USD'],
  ]) {
    write(numbers);
    const told = [count(1_234_567), short(9_999), short(1_234_567), percent(0.123), duration(1_500), money('1234.5'), price(75_000_000n), money(1n), exactMoney('-1234.5')];
    assert.deepEqual(told, shown, numbers);
  }
});

test('what is typed is read with the marks that were chosen, or with others where only one thing can be meant', () => {
  for (const [numbers, ...pairs] of [
    ['language', ['1,234', '1234'], ['1,234.5', '1234.5'], ['1,234,567', '1234567'], ['0.5', '0.5'], ['0,5', '0.5'], ['1.234', '1.234'], ['0,123', '0.123'], ['1 234', '1234'], [' 20 ', '20']],
    ['1.234,56', ['1.234', '1234'], ['1.234,5', '1234.5'], ['1.234.567', '1234567'], ['0,5', '0.5'], ['0.5', '0.5'], ['1,234', '1.234'], ['0.123', '0.123'], ["1'234", '1234']],
    ['1\u202f234,56', ['1 234,5', '1234.5'], ['1\u202f234,5', '1234.5'], ['1,234', '1.234'], ['1.234', '1234'], ['0.5', '0.5']],
    ['1’234.56', ["1'234.5", '1234.5'], ['1’234.5', '1234.5'], ['1,234', '1234'], ['1,5', '1.5']],
    ['1234.56', ['1234.5', '1234.5'], ['1,234', '1234'], ['1,5', '1.5']],
  ]) {
    write(numbers);
    for (const [text, read] of pairs) assert.equal(typed(text), read, `${text} as ${numbers}`);
  }
});

test('what is neither one number nor the other is left to be refused', () => {
  for (const numbers of NUMBER_FORMATS) {
    write(numbers);
    for (const text of ['', '-', '20 30', '1,2,3', '1.2.3', '12,34.5,6', '1,234.56,7', '1e3', '$5', 'five']) assert.ok(!/^\d+(\.\d+)?$/.test(typed(text)), `${text} as ${numbers}: ${typed(text)}`);
  }
});

test('what stands in a field is read as what it was', () => {
  for (const numbers of NUMBER_FORMATS) {
    write(numbers);
    for (const text of ['0', '5', '0.5', '1.25', '1.234', '20.005', '1234.5', '999999.99', '1000000', '0.000000001']) assert.equal(typed(written(text)), text, numbers);
  }
});
