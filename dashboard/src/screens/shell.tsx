// What surrounds every page of a person who is signed in.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Link, usePlace } from '../router';
import { session } from '../session';
import { useStore } from '../store';
import { Button } from '../ui/controls';
import { Icon, Mark } from '../ui/icons';
import { LanguageChoice, ThemeChoice } from './choices';
import { Balance, useFreshBalance } from './balance';
import { PolicyNotice } from './consents';
import { pageAddress, ENTRIES, signOut } from './entries';
import { BRAND } from './entry';
import { openPalette, PALETTE_KEY } from './palette';

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
        <button type="button" class="button plain find" aria-keyshortcuts="Control+K Meta+K" onClick={openPalette}>
          <Icon name="search" />
          <span>{t('palette.title')}</span>
          <kbd aria-hidden="true">{PALETTE_KEY}</kbd>
        </button>
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
              <a href={pageAddress('/docs')}>
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
        <PolicyNotice />
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

