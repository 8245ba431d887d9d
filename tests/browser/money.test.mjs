// Money as text: nothing is lost, and nothing that was paid is shown as nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const SOURCE = new URL('../../dashboard/', import.meta.url);
const { transformSync } = createRequire(new URL('package.json', SOURCE))('esbuild');
const { code } = transformSync(readFileSync(new URL('src/money.ts', SOURCE), 'utf8'), { loader: 'ts', format: 'esm' });
const { exactMoney, money, nano, price } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

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
