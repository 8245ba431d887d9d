// Who is signed in. The access token is in local storage, as the privacy policy says; the refresh
// token is in a cookie that no script can read.

import type { Account } from './types';
import { store } from './store';

export interface Entered {
  access_token: string;
  expires_in: number;
  account: Account;
}

export interface Session {
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  account: Account;
}

/** Why there is no session any more. */
export type Ending = 'never' | 'signed-out' | 'elsewhere';

const NAME = 'aiduet.session';
const held = store<Session | null>(stored());
export const ending = store<Ending>('never');

function stored(): Session | null {
  try {
    const value = JSON.parse(localStorage.getItem(NAME) ?? 'null') as Session | null;
    return value && typeof value.token === 'string' && typeof value.account === 'object' ? value : null;
  } catch {
    return null;
  }
}

function put(value: Session | null): void {
  if (value) localStorage.setItem(NAME, JSON.stringify(value));
  else localStorage.removeItem(NAME);
  held.set(value);
}

export const session = {
  get: held.get,
  follow: held.follow,
  set: put,

  begin(entered: Entered): void {
    put({ token: entered.access_token, expiresAt: Date.now() + entered.expires_in * 1000, account: entered.account });
  },

  /** A new access token of the same person. */
  renewToken(token: string, seconds: number): void {
    const current = held.get();
    if (current) put({ ...current, token, expiresAt: Date.now() + seconds * 1000 });
  },

  setAccount(account: Account): void {
    const current = held.get();
    if (current) put({ ...current, account });
  },

  end(why: Ending): void {
    ending.set(why);
    put(null);
  },

  /** What another tab has written meanwhile. */
  reload(): void {
    held.set(stored());
  },
};

addEventListener('storage', (event) => {
  if (event.key !== NAME && event.key !== null) return;
  const next = stored();
  if (!next && held.get()) ending.set('elsewhere');
  held.set(next);
});
// A page that comes back from the cache of the browser may show what has ended since.
addEventListener('pageshow', (event) => {
  if (event.persisted) session.reload();
});
