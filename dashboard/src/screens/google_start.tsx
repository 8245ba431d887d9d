// The way to Google, and why somebody came back from there without being let in.

import { useEffect, useState } from 'preact/hooks';
import { open, url, type Call } from '../api';
import { t } from '../i18n';
import { usePlace } from '../router';
import { Button } from '../ui/controls';
import { GoogleMark } from '../ui/icons';
import { Notice } from '../ui/load';

/** What the server is told on the way there. */
export interface Wish {
  accept_policies?: boolean;
  link?: boolean;
  locale?: string;
  return_to: string;
  stay_signed_in?: boolean;
}

/** Whether people sign in with Google here: not until the server has said so. */
export function useGoogle(): boolean {
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    open<{ google: boolean }>('/auth/methods', { signal: stop.signal }).then(
      ({ google }) => setOn(google),
      () => undefined,
    );
    return () => stop.abort();
  }, []);
  return isOn;
}

/** A link, not a call: the browser itself goes to Google. */
export function GoogleLink({ wish, children }: { wish: Wish; children: string }) {
  const query = Object.fromEntries(Object.entries(wish).map(([name, value]) => [name, String(value)])) as Call['query'];
  return (
    <a class="button google" href={url('/auth/google/start', query)}>
      <GoogleMark />
      <span>{children}</span>
    </a>
  );
}

/** Before or after the form of the password. Without a wish something is missing, which is said when
 * the button is pressed. */
export function GoogleStart({ wish, onMissing, place }: { wish: Wish | null; onMissing?: () => void; place: 'first' | 'last' }) {
  const or = <p class="or">{t('google.or')}</p>;
  return (
    <>
      {place === 'last' && or}
      {wish ? (
        <GoogleLink wish={wish}>{t('google.continue')}</GoogleLink>
      ) : (
        <Button {...(onMissing ? { onClick: onMissing } : {})}>
          <span class="inline">
            <GoogleMark />
            {t('google.continue')}
          </span>
        </Button>
      )}
      {place === 'first' && or}
    </>
  );
}

const REFUSALS = ['cancelled', 'expired', 'refused', 'unverified', 'policies', 'taken', 'busy', 'unavailable'] as const;

export function GoogleRefusal() {
  const { query } = usePlace();
  const why = REFUSALS.find((each) => each === query.get('google'));
  return why ? <Notice tone="warn">{t(`google.${why}`)}</Notice> : null;
}
