// Back from Google: the session is taken up, or the password is asked for once, to link.

import { useEffect, useState } from 'preact/hooks';
import { api, open, Problem, takeUp } from '../api';
import { t } from '../i18n';
import { go, Link, safeReturn, usePlace } from '../router';
import { ending, session, type Entered } from '../session';
import { Button, Form, PasswordField } from '../ui/controls';
import { Failure, Loading, Skeleton, useLoad, useSending } from '../ui/load';
import { announce } from '../ui/toast';
import { Entry, Wrong } from './entry';

export function GoogleReturn() {
  const { query } = usePlace();
  const link = query.get('link');
  const back = safeReturn(query.get('return_to'));
  return link === null ? <Entering back={back} /> : <Linking back={back} isOwn={link === 'own'} />;
}

const again = () => <Link to="/sign-in">{t('google.begin_again')}</Link>;

function Entering({ back }: { back: string }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    takeUp().then(
      () => {
        ending.set('never');
        go(back, 'replace');
      },
      (wrong: unknown) => setProblem(wrong instanceof Problem ? wrong : new Problem(0, 'unknown', String(wrong))),
    );
  }, []);
  return (
    <Entry title={t('google.entering')} foot={problem ? again() : undefined}>
      {problem ? <Failure problem={problem} /> : <Skeleton lines={2} />}
    </Entry>
  );
}

function Linking({ back, isOwn }: { back: string; isOwn: boolean }) {
  const own = isOwn ? session.get()?.account.email : undefined;
  const waiting = useLoad('link', (signal) => open<{ email: string }>('/auth/link', { signal }));
  const [password, setPassword] = useState('');
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const body = { password, ...(own ? { email: own } : {}) };
      const entered = await (own ? api<Entered> : open<Entered>)('/auth/link', { method: 'POST', body });
      ending.set('never');
      session.begin(entered);
      announce(t('google.linked'), 'shown');
      go(back, 'replace');
    });
  };
  return (
    <Entry title={t('google.link')} foot={own ? <Link to={back}>{t('dialog.cancel')}</Link> : again()}>
      <Loading of={waiting} lines={3}>
        {({ email }) => (
          <>
            <p>{own ? t('google.link_own', { email }) : t('google.link_about')}</p>
            <Wrong problem={rest} />
            <Form onSend={send}>
              {!own && (
                <p class="inline">
                  <strong translate={false}>{email}</strong>
                </p>
              )}
              <input class="unseen" type="email" name="email" autocomplete="username" value={own ?? email} readOnly tabIndex={-1} aria-hidden="true" />
              <PasswordField focus label={t('entry.password')} value={password} onValue={setPassword} error={fault('/password')} />
              <Link to="/forgot-password">{t('entry.forgot')}</Link>
              <Button type="submit" kind="primary" busy={isBusy}>
                {t('google.link_button')}
              </Button>
            </Form>
          </>
        )}
      </Loading>
    </Entry>
  );
}
