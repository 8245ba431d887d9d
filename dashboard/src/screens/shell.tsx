// What surrounds every page of a person who is signed in.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { locale, t, type Key } from '../i18n';
import { go, Link, usePlace } from '../router';
import { session } from '../session';
import { useStore } from '../store';
import { Button } from '../ui/controls';
import { Icon, Mark, type IconName } from '../ui/icons';
import { LanguageChoice, ThemeChoice } from './choices';
import { BRAND } from './entry';
import { Balance, useFreshBalance } from './balance';

const ENTRIES: readonly (readonly [path: string, icon: IconName, name: Key])[] = [
  ['/', 'overview', 'nav.overview'],
  ['/usage', 'usage', 'nav.usage'],
  ['/requests', 'requests', 'nav.requests'],
  ['/keys', 'keys', 'nav.keys'],
  ['/models', 'models', 'nav.models'],
  ['/billing', 'billing', 'nav.billing'],
  ['/quickstart', 'quickstart', 'nav.quickstart'],
  ['/duet', 'duet', 'nav.duet'],
  ['/settings', 'settings', 'nav.settings'],
];

export async function signOut(): Promise<void> {
  const token = session.get()?.token;
  session.end('signed-out');
  go('/sign-in', 'replace');
  // The cookie ends the session even where the token has expired.
  await fetch('/api/v1/auth/logout', { method: 'POST', headers: token ? { authorization: `Bearer ${token}` } : {} }).catch(() => undefined);
}

export function Shell({ children }: { children: ComponentChildren }) {
  const { path } = usePlace();
  const [isOpen, setOpen] = useState(false);
  const account = useStore(session)?.account;
  useEffect(() => setOpen(false), [path]);
  useFreshBalance();
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>
        {t('nav.skip')}
      </a>
      <header class="bar">
        <Link to="/" class="brand">
          <Mark />
          <span translate={false}>{BRAND}</span>
        </Link>
        <Balance />
        <button type="button" class="button quiet icon-only" aria-expanded={isOpen} aria-controls="menu" aria-label={t('nav.menu')} onClick={() => setOpen(!isOpen)}>
          <Icon name={isOpen ? 'close' : 'menu'} />
        </button>
      </header>
      <aside id="menu" class={`side ${isOpen ? 'open' : ''}`} aria-label={t('nav.label')}>
        <Link to="/" class="brand">
          <Mark />
          <span translate={false}>{BRAND}</span>
        </Link>
        <nav aria-label={t('nav.menu')}>
          <ul>
            {ENTRIES.map(([to, icon, name]) => {
              const isHere = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
              return (
                <li key={to} class={to === '/quickstart' ? 'after' : ''}>
                  <Link to={to} {...(isHere ? { 'aria-current': 'page' as const } : {})}>
                    <Icon name={icon} />
                    {t(name)}
                  </Link>
                </li>
              );
            })}
            <li>
              <a href={`/${locale.get().split('-')[0]}/docs`}>
                <Icon name="docs" />
                {t('nav.docs')}
              </a>
            </li>
          </ul>
        </nav>
        <div class="side-foot">
          <Balance />
          <div class="choices">
            <LanguageChoice />
            <ThemeChoice />
          </div>
          <div class="who">
            <span class="who-name" title={account?.email}>
              {account?.name ?? account?.email}
            </span>
            <Button kind="quiet" icon="out" onClick={signOut}>
              {t('nav.sign_out')}
            </Button>
          </div>
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <Offline />
        {children}
      </main>
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Offline() {
  const [isOffline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const look = () => setOffline(!navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return (
    <div role="status">
      {isOffline && (
        <p class="notice warn">
          <Icon name="alert" />
          {t('state.offline')}
        </p>
      )}
    </div>
  );
}

