// Settings, each part with an address of its own.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { longDate, offsetName, zone } from '../format';
import { locale, t, type Key } from '../i18n';
import { LOCALES, MOTIONS, NUMBER_FORMATS, THEMES } from '../preferences';
import { Link, setQuery, usePlace } from '../router';
import { session } from '../session';
import { SNIPPETS } from '../snippets';
import { useStore } from '../store';
import { prefer, preferences } from '../theme';
import type { Account, Page as PageOf, SecurityEvent, SignedInDevice } from '../types';
import { Button, Checkbox, Choice, Form, PasswordField, SelectField, TextField } from '../ui/controls';
import { Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Badge, Card, Page, Pager, Table, Time, type Column } from '../ui/page';
import { announce } from '../ui/toast';
import { RANGES } from '../usage_filters';
import { LANGUAGE_NAMES, setLanguage } from './choices';
import { ConsentsCard } from './consents';
import { GoogleCard } from './google_card';
import { eventName } from './events';
import { DeleteCard } from './leaving';
import { NotFound } from './not_found';
import { NotificationsTab } from './notifications';
import { ArchiveCard, InventoryCard } from './own_data';

const TABS: Record<string, readonly [name: Key, screen: () => preact.VNode | null]> = {
  profile: ['settings.profile', Profile],
  preferences: ['settings.preferences', PreferencesTab],
  security: ['settings.security', Security],
  notifications: ['settings.notifications', NotificationsTab],
  privacy: ['settings.privacy', Privacy],
};

export function Settings({ tab }: { tab: string }) {
  const found = TABS[tab];
  if (!found) return <NotFound />;
  const [, Screen] = found;
  return (
    <Page title={t('nav.settings')}>
      <nav class="tabs" aria-label={t('nav.settings')}>
        {Object.entries(TABS).map(([name, [title]]) => (
          <Link key={name} to={name === 'profile' ? '/settings' : `/settings/${name}`} {...(name === tab ? { 'aria-current': 'page' as const } : {})}>
            {t(title)}
          </Link>
        ))}
      </nav>
      <Screen />
    </Page>
  );
}

function Profile() {
  const account = useStore(session)?.account;
  return account ? (
    <>
      <Name account={account} />
      <Email account={account} />
      <p class="hint">
        <Link to="/settings/privacy">{t('profile.leave')}</Link>
      </p>
    </>
  ) : null;
}

function Name({ account }: { account: Account }) {
  const [name, setName] = useState(account.name ?? '');
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      const changed = await api<Account>('/me', { method: 'PATCH', body: { name: name.trim() === '' ? null : name.trim() } });
      session.setAccount(changed);
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Card title={t('profile.title')} about={t('profile.since', { date: longDate(account.created_at) })}>
      {rest && <Failure problem={rest} />}
      <Form onSend={send} class="narrow">
        <TextField label={t('profile.name')} optional name="name" autocomplete="name" maxLength={80} hint={t('profile.name_hint')} value={name} onValue={setName} error={fault('/name')} />
        <SelectField
          label={t('choice.language')}
          hint={t('profile.language_hint')}
          value={useStore(locale)}
          onValue={(next) => void setLanguage(next)}
          options={LOCALES.map((each) => [each, LANGUAGE_NAMES[each]] as const)}
        />
        <Button type="submit" kind="primary" busy={isBusy}>
          {t('form.save')}
        </Button>
      </Form>
    </Card>
  );
}

function Email({ account }: { account: Account }) {
  const [email, setEmail] = useState('');
  const [sentTo, setSentTo] = useState('');
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    await run(async () => {
      await api('/me/email', { method: 'POST', body: { email: email.trim() } });
      setSentTo(email.trim());
      setEmail('');
    });
  };
  return (
    <Card title={t('email.title')} about={<span translate={false}>{account.email}</span>}>
      {sentTo && <Notice tone="good">{t('email.sent', { email: sentTo })}</Notice>}
      {rest && <Failure problem={rest} />}
      <Form onSend={send} class="narrow">
        <TextField label={t('email.new')} hint={t('email.hint')} type="email" inputMode="email" autocomplete="email" spellcheck={false} value={email} onValue={setEmail} error={fault('/email')} />
        <Button type="submit" busy={isBusy}>
          {t('email.button')}
        </Button>
      </Form>
    </Card>
  );
}

function zones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];
}

function PreferencesTab() {
  const chosen = useStore(preferences);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Card title={t('settings.preferences')} about={t('preferences.about')}>
      <div class="narrow">
        <Choice legend={t('choice.theme')} value={chosen.theme} onValue={(theme) => prefer({ theme })} options={THEMES.map((each) => [each, t(`theme.${each}`)] as const)} />
        <Choice legend={t('preferences.motion')} value={chosen.motion} onValue={(motion) => prefer({ motion })} options={MOTIONS.map((each) => [each, t(`motion.${each}`)] as const)} />
        <SelectField
          label={t('preferences.zone')}
          hint={t('preferences.zone_hint', { zone: zone(), offset: offsetName() })}
          value={chosen.zone ?? ''}
          onValue={(next) => prefer({ zone: next === '' ? null : next })}
          options={[['', t('preferences.zone_browser', { zone: own })], ...zones().map((each) => [each, each] as const)]}
        />
        <SelectField label={t('choice.language')} value={useStore(locale)} onValue={(next) => void setLanguage(next)} options={LOCALES.map((each) => [each, LANGUAGE_NAMES[each]] as const)} />
        <SelectField
          label={t('preferences.numbers')}
          hint={t('preferences.numbers_hint')}
          value={chosen.numbers}
          onValue={(numbers) => prefer({ numbers })}
          options={NUMBER_FORMATS.map((each) => [each, each === 'language' ? t('preferences.numbers_language') : each] as const)}
        />
        <SelectField label={t('preferences.range')} hint={t('preferences.range_hint')} value={chosen.range} onValue={(range) => prefer({ range })} options={RANGES.filter((each) => each !== 'custom').map((each) => [each, t(`range.${each}`)] as const)} />
        <SelectField label={t('preferences.snippet')} hint={t('preferences.snippet_hint')} value={chosen.snippet} onValue={(snippet) => prefer({ snippet })} options={Object.entries(SNIPPETS).map(([each, { name }]) => [each, name] as const)} />
        <Checkbox label={t('preferences.dense')} checked={chosen.dense} onValue={(dense) => prefer({ dense })} />
        <Checkbox label={t('preferences.shortcuts')} hint={t('preferences.shortcuts_hint')} checked={chosen.shortcuts} onValue={(shortcuts) => prefer({ shortcuts })} />
      </div>
    </Card>
  );
}

function Security() {
  return (
    <>
      <Password />
      <GoogleCard />
      <Sessions />
      <SecurityLog />
    </>
  );
}

function Privacy() {
  return (
    <>
      <InventoryCard />
      <ArchiveCard />
      <ConsentsCard />
      <DeleteCard />
    </>
  );
}

function Password() {
  const [password, setPassword] = useState('');
  const [isDone, setDone] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    setDone(false);
    await run(async () => {
      await api('/me/password', { method: 'POST', body: { password } });
      setPassword('');
      setDone(true);
    });
  };
  return (
    <Card title={t('security.password')} about={t('security.password_about')}>
      {isDone && <Notice tone="good">{t('security.password_done')}</Notice>}
      {rest && <Failure problem={rest} />}
      <Form onSend={send} class="narrow">
        <PasswordField fresh label={t('password.new')} value={password} onValue={setPassword} error={fault('/password')} />
        <Button type="submit" busy={isBusy}>
          {t('security.password_button')}
        </Button>
      </Form>
    </Card>
  );
}

function Sessions() {
  const sessions = useLoad('sessions', (signal) => api<PageOf<SignedInDevice>>('/me/sessions', { signal }));
  const { run, problem } = useSending();
  const end = (ids: string[]) =>
    run(async () => {
      for (const id of ids) await api(`/me/sessions/${id}`, { method: 'DELETE' });
      announce(t('sessions.ended', { n: ids.length }), 'shown');
      sessions.reload();
    });
  const others = (sessions.data?.data ?? []).filter((each) => !each.current);
  const columns: Column<SignedInDevice>[] = [
    {
      name: 'device',
      title: t('sessions.device'),
      cell: (each) => (
        <span class="inline">
          {each.device}
          {each.current && <Badge tone="accent">{t('sessions.this')}</Badge>}
        </span>
      ),
    },
    { name: 'network', title: t('sessions.network'), cell: (each) => (each.network ? <code>{each.network}</code> : '–') },
    { name: 'seen', title: t('sessions.seen'), cell: (each) => <Time at={each.last_seen_at} form="relative" /> },
    { name: 'since', title: t('sessions.since'), cell: (each) => <Time at={each.created_at} /> },
    {
      name: 'end',
      title: t('sessions.end'),
      isUnseen: true,
      cell: (each) => !each.current && <Button onClick={() => end([each.id])}>{t('sessions.end')}</Button>,
    },
  ];
  return (
    <Card title={t('sessions.title')} about={t('sessions.about')} actions={others.length > 0 && <Button onClick={() => end(others.map((each) => each.id))}>{t('sessions.end_others')}</Button>}>
      {problem && <Failure problem={problem} />}
      <Loading of={sessions}>{({ data }) => <Table label={t('sessions.title')} columns={columns} rows={data} id={(each) => each.id} />}</Loading>
    </Card>
  );
}

const EVENTS_PER_PAGE = 20;

function SecurityLog() {
  const { query } = usePlace();
  const cursor = query.get('events');
  const events = useLoad(`events ${cursor}`, (signal) => api<PageOf<SecurityEvent>>('/me/security-log', { query: { limit: EVENTS_PER_PAGE, cursor }, signal }));
  const columns: Column<SecurityEvent>[] = [
    { name: 'at', title: t('security.at'), cell: (each) => <Time at={each.at} form="second" /> },
    { name: 'event', title: t('security.event'), cell: (each) => eventName(each.event) },
    { name: 'device', title: t('sessions.device'), cell: (each) => each.device },
    { name: 'network', title: t('sessions.network'), cell: (each) => (each.network ? <code>{each.network}</code> : '–') },
  ];
  return (
    <Card title={t('security.log')} about={t('security.log_about')}>
      <Loading of={events}>
        {({ data, next_cursor }) => (
          <>
            <Table label={t('security.log')} columns={columns} rows={data} id={(each) => each.id} />
            <Pager hasNewer={cursor !== null} hasOlder={next_cursor !== null} onNewer={() => setQuery({ events: null })} onOlder={() => setQuery({ events: next_cursor })} />
          </>
        )}
      </Loading>
    </Card>
  );
}
