// Which screen belongs to which path, and who may see it.

import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { api } from './api';
import { locale, speak } from './i18n';
import { localeOf, readPreferences } from './preferences';
import { go, place, usePlace } from './router';
import { session } from './session';
import { useStore } from './store';
import { preferences } from './theme';
import type { Account } from './types';
import { Boundary } from './ui/boundary';
import { Toasts } from './ui/toast';
import { Billing } from './screens/billing';
import { ConfirmEmail, ForgotPassword, CancelDeletion, ResetPassword, SignIn, SignUp, UndoEmail, VerifyEmail } from './screens/entry';
import { DuetExplain } from './screens/duet';
import { GoogleReturn } from './screens/google';
import { KeyDetail, Keys } from './screens/keys';
import { Goodbye, Leaving } from './screens/leaving';
import { Models } from './screens/models';
import { NotFound } from './screens/not_found';
import { Overview } from './screens/overview';
import { Palette } from './screens/palette';
import { Quickstart } from './screens/quickstart';
import { Reauthentication } from './screens/reauth';
import { Requests } from './screens/requests';
import { Settings } from './screens/settings';
import { Shell } from './screens/shell';
import { Shortcuts } from './screens/shortcuts';
import { Usage } from './screens/usage';

type Parts = string[];
type Screen = (parts: Parts) => VNode;

/** Open to everybody. */
const OPEN: Record<string, Screen> = {
  '/sign-in': () => <SignIn />,
  '/sign-up': () => <SignUp />,
  '/google': () => <GoogleReturn />,
  '/forgot-password': () => <ForgotPassword />,
  '/reset-password': () => <ResetPassword />,
  '/verify-email': () => <VerifyEmail />,
  '/confirm-email': () => <ConfirmEmail />,
  '/undo-email': () => <UndoEmail />,
  '/cancel-deletion': () => <CancelDeletion />,
  '/goodbye': () => <Goodbye />,
};

/** For whoever is signed in. `*` is one part of the path. */
const OWN: readonly (readonly [pattern: string, screen: Screen])[] = [
  ['/', () => <Overview />],
  ['/usage', () => <Usage />],
  ['/requests', () => <Requests />],
  ['/requests/*', ([id = '']) => <Requests id={id} />],
  ['/keys', () => <Keys />],
  ['/keys/*', ([id = '']) => <KeyDetail key={id} id={id} />],
  ['/models', () => <Models />],
  ['/billing', () => <Billing />],
  ['/quickstart', () => <Quickstart />],
  ['/duet', () => <DuetExplain />],
  ['/settings', () => <Settings tab="profile" />],
  ['/settings/*', ([tab = '']) => <Settings tab={tab} />],
];

function match(path: string): VNode {
  for (const [pattern, screen] of OWN) {
    const names = pattern.split('/');
    const parts = path.split('/');
    if (names.length !== parts.length) continue;
    if (names.every((name, index) => name === '*' || name === parts[index])) {
      return screen(parts.filter((_, index) => names[index] === '*').map(decodeURIComponent));
    }
  }
  return <NotFound />;
}

export function App() {
  useStore(locale);
  useStore(preferences);
  const { path } = usePlace();
  const current = useStore(session);
  const open = OPEN[path];
  useFocusOnArrival(path);
  useAccountLanguage(current?.account.id ?? null);
  useEffect(() => {
    // Where we are may have changed since the page was drawn.
    if (OPEN[place.get().path] || session.get()) return;
    const wanted = path + location.search;
    go(wanted === '/' ? '/sign-in' : `/sign-in?return_to=${encodeURIComponent(wanted)}`, 'replace');
  }, [open, current, path]);
  return (
    <>
      {open ? open([]) : current && <Own path={path} isLeaving={current.account.state === 'deleting'} />}
      {current && <Reauthentication />}
      <Toasts />
    </>
  );
}

/** The page of a person who is signed in; of one who is leaving there is only the way back. */
function Own({ path, isLeaving }: { path: string; isLeaving: boolean }) {
  if (isLeaving) return <Leaving />;
  return (
    <>
      <Shell>
        <Boundary path={path}>{match(path)}</Boundary>
      </Shell>
      <Shortcuts />
      <Palette />
    </>
  );
}

/** A reader who does not see the page is taken to its heading, as if it had been loaded. */
function useFocusOnArrival(path: string): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [path]);
}

/** Who has chosen no language on this device reads the one of the account. */
function useAccountLanguage(id: string | null): void {
  useEffect(() => {
    if (!id) return;
    void api<Account>('/me').then((account) => {
      session.setAccount(account);
      const own = localeOf(account.locale);
      if (own && readPreferences().locale === null && own !== locale.get()) void speak(own);
    }).catch(() => undefined);
  }, [id]);
}

