// The way in: signing in and up, forgotten passwords, links of mails.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { open, Problem } from '../api';
import { T, locale, t, type Key } from '../i18n';
import { go, Link, safeReturn, usePlace } from '../router';
import { ending, session, type Entered } from '../session';
import { useStore } from '../store';
import type { Page as PageOf, PolicyVersion } from '../types';
import { Button, Checkbox, Form, PasswordField, TextField } from '../ui/controls';
import { Mark } from '../ui/icons';
import { Failure, Notice, useLoad, useSending } from '../ui/load';
import { usePageTitle } from '../ui/page';
import { LanguageChoice, ThemeChoice } from './choices';
import { GoogleRefusal, GoogleStart, useGoogle } from './google_start';
import { pageAddress } from './entries';

export function Entry({ title, about, children, foot }: { title: string; about?: ComponentChildren; children: ComponentChildren; foot?: ComponentChildren }) {
  usePageTitle(title);
  return (
    <div class="entry">
      <main>
        <p class="brand">
          <Mark />
          <span translate={false}>{BRAND}</span>
        </p>
        <div class="entry-card">
          <h1 tabIndex={-1}>{title}</h1>
          {about && <p class="about">{about}</p>}
          {children}
        </div>
        {foot && <p class="entry-foot">{foot}</p>}
      </main>
      <footer class="entry-choices">
        <LanguageChoice />
        <ThemeChoice />
      </footer>
    </div>
  );
}

export const BRAND = 'AI Duet';

function EmailField({ value, onValue, error }: { value: string; onValue: (value: string) => void; error?: string | undefined }) {
  return (
    <TextField
      label={t('entry.email')}
      type="email"
      name="email"
      inputMode="email"
      autocomplete="username"
      autocapitalize="off"
      spellcheck={false}
      value={value}
      onValue={onValue}
      error={error}
    />
  );
}

/** The seconds that are left until another try makes sense, counted down. */
function useWait(problem: Problem | null): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    setLeft(problem?.retryAfter ?? 0);
    if (!problem?.retryAfter) return;
    const end = Date.now() + problem.retryAfter * 1_000;
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1_000))), 500);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}

export function Wrong({ problem }: { problem: Problem | null }) {
  const left = useWait(problem);
  if (!problem) return null;
  if (problem.status === 429) {
    // Said once and again when it is over; counting down is for the eye.
    return (
      <>
        <div aria-hidden="true">
          <Notice tone="warn">{left > 0 ? t('state.throttled', { seconds: left }) : t('state.try_now')}</Notice>
        </div>
        <p class="unseen" role="alert">{left > 0 ? t('state.throttled', { seconds: problem.retryAfter ?? left }) : t('state.try_now')}</p>
      </>
    );
  }
  return <Failure problem={problem} />;
}

export function SignIn() {
  const { query } = usePlace();
  const why = useStore(ending);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [stays, setStays] = useState(true);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const entered = await open<Entered>('/auth/login', { method: 'POST', body: { email: email.trim(), password, stay_signed_in: stays } });
      ending.set('never');
      session.begin(entered);
      go(safeReturn(query.get('return_to')), 'replace');
    });
  };
  const isUnverified = rest?.code === 'email_unverified';
  const google = useGoogle();
  return (
    <Entry title={t('entry.sign_in')} foot={<T k="entry.no_account" link={<Link to="/sign-up">{t('entry.sign_up')}</Link>} />}>
      {!rest && <GoogleRefusal />}
      {google && <GoogleStart wish={{ return_to: safeReturn(query.get('return_to')), stay_signed_in: stays }} place="first" />}
      {why === 'elsewhere' && !rest && <Notice tone="warn">{t('entry.ended_elsewhere')}</Notice>}
      {why === 'signed-out' && !rest && <Notice tone="good">{t('entry.signed_out')}</Notice>}
      {isUnverified ? <Resend email={email} /> : <Wrong problem={rest} />}
      <Form onSend={send}>
        <EmailField value={email} onValue={setEmail} error={fault('/email')} />
        <PasswordField label={t('entry.password')} value={password} onValue={setPassword} error={fault('/password')} />
        <div class="split">
          <Checkbox label={t('entry.stay')} checked={stays} onValue={setStays} />
          <Link to="/forgot-password">{t('entry.forgot')}</Link>
        </div>
        <Button type="submit" kind="primary" busy={isBusy}>
          {t('entry.sign_in')}
        </Button>
      </Form>
    </Entry>
  );
}

const RESEND_SECONDS = 60;

/** Asks for the mail again, once a minute at most. */
function Resend({ email }: { email: string }) {
  const [left, setLeft] = useState(0);
  const [isSent, setSent] = useState(false);
  const { run, isBusy, problem } = useSending();
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  const again = () =>
    run(async () => {
      await open('/auth/verify-email/resend', { method: 'POST', body: { email: email.trim() } });
      setSent(true);
      setLeft(RESEND_SECONDS);
    });
  return (
    <Notice tone={isSent ? 'good' : 'warn'}>
      <p>{isSent ? t('entry.check_inbox') : t('entry.unverified')}</p>
      {problem && <p>{problem.message}</p>}
      <p>
        <Button busy={isBusy} disabled={left > 0} onClick={again}>
          {left > 0 ? t('entry.resend_in', { seconds: left }) : t('entry.resend')}
        </Button>
      </p>
    </Notice>
  );
}

export function SignUp() {
  const { query } = usePlace();
  const google = useGoogle();
  const [isAsked, setAsked] = useState(false);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [accepts, setAccepts] = useState(false);
  const [isDone, setDone] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const body = { email: email.trim(), password, locale: locale.get(), accept_policies: accepts };
      await open('/auth/register', { method: 'POST', body });
      setPassword('');
      setDone(true);
    });
  };
  const foot = <T k="entry.has_account" link={<Link to="/sign-in">{t('entry.sign_in')}</Link>} />;
  if (isDone) {
    return (
      <Entry title={t('entry.inbox')} about={t('entry.check_inbox')} foot={foot}>
        <Resend email={email} />
        <Button kind="quiet" onClick={() => setDone(false)}>
          {t('entry.wrong_address')}
        </Button>
      </Entry>
    );
  }
  const policyFault = fault('/accept_policies') ?? (isAsked && !accepts ? t('google.accept_first') : undefined);
  return (
    <Entry title={t('entry.create')} about={t('entry.promise')} foot={foot}>
      {rest ? <Wrong problem={rest} /> : <GoogleRefusal />}
      <Form onSend={send}>
        <EmailField value={email} onValue={setEmail} error={fault('/email')} />
        <PasswordField fresh label={t('entry.password')} value={password} onValue={setPassword} error={fault('/password')} />
        <Checkbox
          label={
            <T
              k="entry.accept"
              terms={<PolicyLink kind="terms" name={t('entry.terms')} />}
              privacy={<PolicyLink kind="privacy" name={t('entry.privacy')} />}
            />
          }
          checked={accepts}
          onValue={setAccepts}
        />
        {policyFault && (
          <p class="field-error" role="alert">
            {policyFault}
          </p>
        )}
        <Button type="submit" kind="primary" busy={isBusy}>
          {t('entry.create_button')}
        </Button>
      </Form>
      {google && (
        <GoogleStart
          wish={accepts ? { accept_policies: true, locale: locale.get(), return_to: safeReturn(query.get('return_to')) } : null}
          onMissing={() => setAsked(true)}
          place="last"
        />
      )}
    </Entry>
  );
}

/** A policy with the version that is in force. */
function PolicyLink({ kind, name }: { kind: PolicyVersion['kind']; name: string }) {
  const loaded = useLoad('policies', (signal) => open<PageOf<PolicyVersion>>('/policies', { signal }));
  const current = loaded.data?.data.find((each) => each.kind === kind && each.in_force);
  return <a href={pageAddress(`/${kind}`)}>{current ? t('entry.version', { name, version: current.version }) : name}</a>;
}

/** The token in the fragment, which no server sees; taken out of the address at once. */
function useToken(): string {
  const token = useRef(new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
  useEffect(() => {
    if (location.hash) history.replaceState(null, '', location.pathname + location.search);
  }, []);
  return token.current;
}

/** A page of a mail that does one thing with its token, at a press of its button: programs that look
 * at links before people do must not use them up. */
function TokenPage({ path, title, about, button, done }: { path: string; title: Key; about: Key; button: Key; done: Key }) {
  const token = useToken();
  const [isDone, setDone] = useState(false);
  const { run, isBusy, rest } = useSending();
  const send = () =>
    run(async () => {
      await open(path, { method: 'POST', body: { token } });
      setDone(true);
    });
  const onward = <Link to={session.get() ? '/' : '/sign-in'}>{session.get() ? t('entry.to_overview') : t('entry.sign_in')}</Link>;
  if (isDone) {
    return (
      <Entry title={t(title)} foot={onward}>
        <Notice tone="good">{t(done)}</Notice>
      </Entry>
    );
  }
  return (
    <Entry title={t(title)} about={token ? t(about) : undefined} foot={onward}>
      {!token && <Notice tone="warn">{t('entry.no_token')}</Notice>}
      <Wrong problem={rest} />
      {token && (
        <Button kind="primary" busy={isBusy} onClick={send}>
          {t(button)}
        </Button>
      )}
    </Entry>
  );
}

export const VerifyEmail = () => (
  <TokenPage path="/auth/verify-email" title="entry.verify" about="entry.verify_about" button="entry.verify_button" done="entry.verify_done" />
);
export const ConfirmEmail = () => (
  <TokenPage path="/auth/email/confirm" title="entry.confirm" about="entry.confirm_about" button="entry.confirm_button" done="entry.confirm_done" />
);
export const UndoEmail = () => (
  <TokenPage path="/auth/email/undo" title="entry.undo" about="entry.undo_about" button="entry.undo_button" done="entry.undo_done" />
);

export const CancelDeletion = () => (
  <TokenPage path="/deletion/cancel" title="leaving.keep" about="keep.about" button="leaving.keep" done="keep.done" />
);

export function ForgotPassword() {
  const [email, setEmail] = useState('');
  const [isDone, setDone] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      await open('/auth/password/forgot', { method: 'POST', body: { email: email.trim() } });
      setDone(true);
    });
  };
  return (
    <Entry title={t('entry.forgot_title')} about={isDone ? undefined : t('entry.forgot_about')} foot={<Link to="/sign-in">{t('entry.back')}</Link>}>
      <Wrong problem={rest} />
      {isDone ? (
        <Notice tone="good">{t('entry.forgot_done')}</Notice>
      ) : (
        <Form onSend={send}>
          <EmailField value={email} onValue={setEmail} error={fault('/email')} />
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('entry.forgot_button')}
          </Button>
        </Form>
      )}
    </Entry>
  );
}

export function ResetPassword() {
  const token = useToken();
  const [password, setPassword] = useState('');
  const [isDone, setDone] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      await open('/auth/password/reset', { method: 'POST', body: { token, password } });
      setPassword('');
      setDone(true);
    });
  };
  return (
    <Entry title={t('entry.reset')} foot={<Link to="/sign-in">{t('entry.back')}</Link>}>
      {!token && <Notice tone="warn">{t('entry.no_token')}</Notice>}
      <Wrong problem={rest} />
      {isDone && <Notice tone="good">{t('entry.reset_done')}</Notice>}
      {token && !isDone && (
        <Form onSend={send}>
          <PasswordField fresh label={t('password.new')} value={password} onValue={setPassword} error={fault('/password')} />
          <p class="hint">{t('entry.reset_about')}</p>
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('entry.reset_button')}
          </Button>
        </Form>
      )}
    </Entry>
  );
}
