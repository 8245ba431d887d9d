// Where one can go, and how one leaves.

import { locale, type Key } from '../i18n';
import { go } from '../router';
import { session } from '../session';
import type { PolicyVersion } from '../types';
import type { IconName } from '../ui/icons';

/** The pages of the menu, each with the letter that leads there behind `g`. */
export const ENTRIES: readonly (readonly [path: string, icon: IconName, name: Key, letter: string])[] = [
  ['/', 'overview', 'nav.overview', 'o'],
  ['/usage', 'usage', 'nav.usage', 'u'],
  ['/requests', 'requests', 'nav.requests', 'r'],
  ['/keys', 'keys', 'nav.keys', 'k'],
  ['/models', 'models', 'nav.models', 'm'],
  ['/billing', 'billing', 'nav.billing', 'b'],
  ['/quickstart', 'quickstart', 'nav.quickstart', 'q'],
  ['/duet', 'duet', 'nav.duet', 'd'],
  ['/settings', 'settings', 'nav.settings', 's'],
];

/** A page that the server writes, in the language of the reader. */
export function pageAddress(path: string): string {
  return `/${locale.get().split('-')[0]}${path}`;
}

/** A version of a policy. */
export function policyAddress({ kind, version }: Pick<PolicyVersion, 'kind' | 'version'>): string {
  return pageAddress(`/policies/${kind}/${version}`);
}

export async function signOut(): Promise<void> {
  const token = session.get()?.token;
  session.end('signed-out');
  go('/sign-in', 'replace');
  // The cookie ends the session even where the token has expired.
  await fetch('/api/v1/auth/logout', { method: 'POST', headers: token ? { authorization: `Bearer ${token}` } : {} }).catch(() => undefined);
}
