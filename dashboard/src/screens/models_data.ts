// Models with their prices, loaded once for all that show them.

import { open } from '../api';
import { useLoad, type Loaded } from '../ui/load';

export const PROVIDERS: Record<string, string> = { anthropic: 'Anthropic', openai: 'OpenAI' };

export interface Rates {
  input: number;
  cache_read: number | null;
  cache_write_short: number | null;
  cache_write_long: number | null;
  output: number | null;
}

export interface Model {
  id: string;
  provider: 'anthropic' | 'openai';
  endpoints: string[];
  context_window: number | null;
  max_input: number | null;
  max_output: number | null;
  rates: Rates;
  tiers: { above_prompt_tokens: number; rates: Rates }[];
  web_search_pico: number | null;
  caches: boolean;
  /** Not known of every one. */
  reasons: boolean | null;
  retires_at: string | null;
}

export interface ModelList {
  price_version: number;
  effective_from: string;
  margin_bp: number;
  models: Model[];
}

/** What a model costs, has cost and will cost, newest first. */
export interface ModelPrices {
  data: { effective_from: string; in_force: boolean; rates: Rates }[];
}

let known: Promise<ModelList> | null = null;

async function load(): Promise<ModelList> {
  const { data, ...rest } = await open<Omit<ModelList, 'models'> & { data: Model[] }>('/models');
  return { ...rest, models: data };
}

export function useModels(): Loaded<ModelList> {
  return useLoad('models', () => {
    known ??= load().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  });
}

const BASIS = 10_000n;

/** What is charged for some tokens, in nano-dollars, rounded up once as on a bill. */
export function charge(lines: readonly (readonly [tokens: number, pico: number])[], marginBp: number): bigint {
  const pico = lines.reduce((sum, [tokens, rate]) => sum + BigInt(tokens) * BigInt(rate), 0n);
  const unit = BASIS * 1_000n;
  return (pico * BigInt(marginBp) + unit - 1n) / unit;
}

/** The price of a million tokens in nano-dollars, with the margin. */
export function perMillion(pico: number, marginBp: number): bigint {
  return charge([[1_000_000, pico]], marginBp);
}
