// What the account API answers. Money is decimal dollars as a text, times are RFC 3339 in UTC.

export interface Account {
  id: string;
  email: string;
  email_verified: boolean;
  has_password: boolean;
  name: string | null;
  locale: string;
  role: 'user' | 'operator';
  state: 'active' | 'frozen' | 'deleting' | 'closed';
  created_at: string;
}

export interface Identity {
  id: string;
  issuer: string;
  created_at: string;
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export type Period = 'day' | 'week' | 'month' | 'total';
export const PERIODS: readonly Period[] = ['day', 'week', 'month', 'total'];

export interface KeyLimits {
  spend: Record<Period, string | null>;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  concurrency: number | null;
  models: string[];
  endpoints: string[];
  networks: string[];
  duet: Record<string, unknown>;
}

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  state: 'active' | 'disabled' | 'rotated' | 'revoked';
  works_until: string | null;
  limits: KeyLimits;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** A key with how far it is in each period that has a limit. */
export interface LimitedKey extends ApiKey {
  spend: Spend[];
}

/** Which mails are sent of those that may be turned off. */
export interface Notifications {
  key_expiry: boolean;
  new_sign_in: boolean;
  balance_empty: boolean;
}

export interface IssuedKey extends ApiKey {
  /** The key itself; `null` when the request was answered before. */
  key: string | null;
}

export interface SignedInDevice {
  id: string;
  current: boolean;
  device: string;
  network: string | null;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
}

export interface SecurityEvent {
  id: string;
  event: string;
  device: string;
  network: string | null;
  request_id: string | null;
  key_id: string | null;
  session_id: string | null;
  changed: string[];
  at: string;
}

/** What some requests amount to. */
export interface Totals {
  requests: number;
  errors: number;
  rate_limited: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  cost: string;
  cost_nano: number;
  first_byte_ms: number | null;
  duration_ms: number | null;
}

export interface Group extends Totals {
  group: string;
  name: string | null;
  share_bp: number;
  cost_per_request: string;
}

export interface UsageSeries {
  tz: string;
  from: string;
  to: string;
  bucket: 'quarter' | 'hour' | 'day' | 'month';
  group_by: string | null;
  total: Totals;
  groups: Group[];
  buckets: { from: string; to: string; total: Totals; groups: (Totals & { group: string })[] }[];
}

export interface Breakdown {
  from: string;
  to: string;
  data: Group[];
  total: Totals;
}

export interface RequestSummary {
  id: string;
  created_at: string;
  status: number;
  status_class: 'success' | 'client_error' | 'rate_limited' | 'server_error';
  outcome: string;
  model: string;
  provider: string;
  endpoint: string;
  stream: boolean;
  key_id: string;
  key_name: string | null;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost: string;
  estimated: boolean;
  first_byte_ms: number | null;
  duration_ms: number;
  tokens_per_second: number | null;
  finish_reason: string | null;
  attempts: number;
  upstream_request_id: string | null;
  price_version: number;
  role: string | null;
}

export interface RequestDetail extends RequestSummary {
  web_searches: number;
  clamped: boolean;
  bill: {
    price_version: number;
    margin_bp: number;
    line_items: { class: string; stage: string | null; model: string; service_tier: string; quantity: number; rate_pico: number; amount_pico: string }[];
    sum_pico: string;
    charge: string;
  };
  attempts_detail: { upstream: string; result: string; status: number | null; duration_ms: number }[];
  role_rule: string | null;
}

export interface Spend {
  period: Period;
  spent: string;
  limit: string | null;
  remaining: string | null;
  resets_at: string | null;
}

export interface KeyUsageReport {
  today: Totals;
  last_7_days: Totals;
  last_30_days: Totals;
  by_day: UsageSeries;
  spend: Spend[];
  held: string;
  recent: RequestSummary[];
}

export interface Overview {
  generated_at: string;
  balance: { available: string; held: string; average_per_day: string; days_left: number | null };
  today: { now: Totals; before: Totals };
  last_7_days: { now: Totals; before: Totals };
  last_30_days: { now: Totals; before: Totals };
  by_day: UsageSeries;
  top_models: Group[];
  top_keys: Group[];
  recent: RequestSummary[];
  banners: { kind: string; key_id: string | null; name: string | null; at: string | null }[];
}

export interface BalanceReport {
  available: string;
  held: string;
  posted: string;
  paid: string;
  promotional: string;
  credited: string;
  used: string;
  lots: { kind: 'promotional' | 'paid'; amount: string; expires_at: string | null }[];
}

export interface Transaction {
  id: string;
  kind: string;
  at: string;
  day: string;
  model: string | null;
  reference: string | null;
  amount: string;
  balance: string;
}

export interface TopUp {
  id: string;
  state: 'open' | 'processing' | 'paid' | 'closed' | 'review';
  amount: string;
  tax: string | null;
  checkout_url: string | null;
  created_at: string;
  paid_at: string | null;
}

export interface AutoRecharge {
  enabled: boolean;
  threshold: string | null;
  amount: string | null;
  monthly_max: string | null;
  charged_this_month: string;
  state: 'idle' | 'charging' | 'retrying' | 'needs_confirmation' | 'stopped';
  failures: number;
  next_attempt_at: string | null;
  confirm_url: string | null;
}

export interface PolicyVersion {
  kind: 'privacy' | 'terms';
  version: string;
  effective_from: string;
  in_force: boolean;
}

export interface PolicyText extends PolicyVersion {
  summary: string;
}

export interface Consents {
  data: { kind: PolicyVersion['kind']; version: string; accepted_at: string }[];
  outstanding: PolicyVersion[];
}

export type UnusedCredit = 'refund' | 'forfeit';

export interface Deletion {
  id: string;
  state: 'waiting' | 'erasing';
  unused_credit: UnusedCredit;
  requested_at: string;
  erase_at: string;
}

/** What is kept about a person. */
export interface DataInventory {
  as_of: string;
  data: DataCategory[];
}

export interface DataCategory {
  category: string;
  title: string;
  purpose: string;
  count: number | null;
  oldest_at: string | null;
  place: 'database' | 'card_company' | 'backups' | 'provider' | 'nowhere';
  kept: { rule: 'account' | 'after_account' | 'after_end' | 'fixed' | 'while_useful' | 'bookkeeping' | 'elsewhere' | 'never'; days: number | null };
}

/** Everything that is kept about a person, to be downloaded once. */
export interface Archive {
  id: string;
  state: 'ready' | 'downloaded' | 'expired';
  requested_by: 'person' | 'operator';
  created_at: string;
  expires_at: string;
  downloaded_at: string | null;
}

/** When a person wants to be told. */
export interface Alerts {
  low_balance: { threshold: string; email: boolean } | null;
  daily_spend: { amount: string; email: boolean; spent: string; reached: boolean } | null;
  monthly_budget: { amount: string; email: boolean; spent: string; reached: number | null } | null;
}

/** How much may be spent; a limit stops requests. */
export interface Limits {
  monthly: MonthlyLimit | null;
}

export interface MonthlyLimit {
  amount: string;
  spent: string;
  held: string;
  resets_at: string | null;
}

/** What a purchase comes to; no tax where only the card company can tell. */
export interface Quote {
  credit: string;
  fee: string;
  tax: string | null;
  total: string;
}

export interface Invoice {
  id: string;
  number: string | null;
  at: string;
  amount: string;
  currency: string;
  status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible' | 'other';
  pdf_url: string | null;
  hosted_url: string | null;
}

/** A card that the card company keeps. */
export interface PaymentMethod {
  id: string;
  brand: string;
  last4: string;
  exp_month: number;
  exp_year: number;
  default: boolean;
  auto_recharge: boolean;
}
