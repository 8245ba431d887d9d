// Money as text. It is never a float: it is whole nano-dollars.

import { digits, written } from './numbers';

const NANO = 1_000_000_000n;
/** Less than this is not told apart. */
const LEAST = 1_000n;

/** Nano-dollars of a decimal text such as `0.000421000`. */
export function nano(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (!match) return 0n;
  const value = BigInt(match[2] ?? '0') * NANO + BigInt((match[3] ?? '').padEnd(9, '0'));
  return match[1] ? -value : value;
}

/** Dollars with as many decimals as tell something; half a unit is rounded up. */
export function money(amount: string | bigint): string {
  const value = typeof amount === 'bigint' ? amount : nano(amount);
  const positive = value < 0n ? -value : value;
  const sign = value < 0n ? '−' : '';
  if (positive > 0n && positive < LEAST) return `${sign ? '>' : '<'} ${sign}$${decimal(LEAST, 6)}`;
  const decimals = positive === 0n || positive >= NANO ? 2 : positive >= 10_000_000n ? 4 : 6;
  const text = decimal(positive, decimals);
  return `${sign}$${decimals === 4 ? text.replace(/0{1,2}$/, '') : text}`;
}

/** A rate: at least cents, and no zeros behind what it says. */
export function price(amount: bigint): string {
  return money(amount).replace(/(\D\d\d\d*?)0+$/, '$1');
}

/** Dollars to the nano-dollar. */
export function exactMoney(amount: string | bigint): string {
  const value = typeof amount === 'bigint' ? amount : nano(amount);
  const sign = value < 0n ? '−' : '';
  return `${sign}${decimal(value < 0n ? -value : value, 9)} USD`;
}

function decimal(positive: bigint, decimals: number): string {
  const unit = 10n ** BigInt(9 - decimals);
  const rounded = (positive + unit / 2n) / unit;
  const scale = 10n ** BigInt(decimals);
  return digits(rounded / scale) + written(`.${String(rounded % scale).padStart(decimals, '0')}`);
}
