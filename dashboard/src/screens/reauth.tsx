// Asks for the password again, and keeps what was to be done.

import { useEffect, useState } from 'preact/hooks';
import { api, Cancelled, onReauthentication } from '../api';
import { t } from '../i18n';
import { safeReturn, usePlace } from '../router';
import { session } from '../session';
import { store, useStore } from '../store';
import { Button, Form, PasswordField } from '../ui/controls';
import { Dialog, DialogActions } from '../ui/dialog';
import { Failure, useSending } from '../ui/load';
import { GoogleLink } from './google_start';

interface Question {
  done: () => void;
  cancelled: () => void;
}

const question = store<Question | null>(null);
let pending: Promise<void> | null = null;

function ask(): Promise<void> {
  pending ??= new Promise<void>((resolve, reject) => {
    question.set({ done: resolve, cancelled: () => reject(new Cancelled()) });
  }).finally(() => {
    pending = null;
    question.set(null);
  });
  return pending;
}

export function Reauthentication() {
  const current = useStore(question);
  useEffect(() => onReauthentication(ask), []);
  if (!current) return null;
  return session.get()?.account.has_password === false ? <GoogleDialog question={current} /> : <PasswordDialog question={current} />;
}

/** Who has no password signs in with Google once more; what was to be done is begun again then. */
function GoogleDialog({ question: { cancelled } }: { question: Question }) {
  const { path, query } = usePlace();
  const text = query.toString();
  return (
    <Dialog title={t('reauth.title')} onClose={cancelled}>
      <p>{t('google.reauth')}</p>
      <DialogActions onClose={cancelled}>
        <GoogleLink wish={{ return_to: safeReturn(text ? `${path}?${text}` : path) }}>{t('google.continue')}</GoogleLink>
      </DialogActions>
    </Dialog>
  );
}

function PasswordDialog({ question: { done, cancelled } }: { question: Question }) {
  const [password, setPassword] = useState('');
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const entered = await api<{ access_token: string; expires_in: number }>('/auth/reauth', { method: 'POST', body: { password } });
      session.renewToken(entered.access_token, entered.expires_in);
      done();
    });
  };
  return (
    <Dialog title={t('reauth.title')} onClose={cancelled}>
      <p>{t('reauth.about')}</p>
      {rest && <Failure problem={rest} />}
      <Form onSend={send}>
        <input class="unseen" type="email" name="email" autocomplete="username" value={session.get()?.account.email ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
        <PasswordField focus label={t('entry.password')} value={password} onValue={setPassword} error={fault('/password')} />
        <DialogActions onClose={cancelled}>
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('reauth.button')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}
