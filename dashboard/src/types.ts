// What the account API answers. Money is decimal dollars as a text, times are RFC 3339 in UTC.

export interface Account {
  id: string;
  email: string;
  email_verified: boolean;
  has_password: boolean;
  name: string | null;
  locale: string;
  role: 'user' | 'operator';
  state: 'active' | 'frozen' | 'closed';
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
  request_id: string;
  at: string;
}
