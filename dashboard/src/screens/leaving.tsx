// The end of an account: asked for, waited for, taken back.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { longDate, money, nano } from '../format';
import { t } from '../i18n';
import { go, Link, setQuery, usePlace } from '../router';
import { session } from '../session';
import { useStore } from '../store';
import type { Account, Deletion, UnusedCredit } from '../types';
import { Button, Choice, Form, TextField } from '../ui/controls';
import { Dialog, DialogActions } from '../ui/dialog';
import { Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Card } from '../ui/page';
import { balance } from './balance';
import { signOut } from './entries';
import { Entry } from './entry';
import { ArchiveCard } from './own_data';

const CREDIT: readonly UnusedCredit[] = ['refund', 'forfeit'];

export function DeleteCard() {
  const { query } = usePlace();
  const account = useStore(session)?.account;
  return (
    <Card
      tone="danger"
      title={t('deletion.title')}
      about={t('deletion.about')}
      actions={
        <Button kind="danger" onClick={() => setQuery({ do: 'delete' })}>
          {t('deletion.button')}
        </Button>
      }
    >
      {query.get('do') === 'delete' && account && <DeleteDialog account={account} onClose={() => setQuery({ do: null }, 'replace')} />}
    </Card>
  );
}

function DeleteDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const [credit, setCredit] = useState<UnusedCredit>('refund');
  const [typed, setTyped] = useState('');
  const [isChecked, setChecked] = useState(false);
  const paid = useStore(balance)?.paid ?? '0';
  const { run, isBusy, fault, rest } = useSending();
  const isSame = typed.trim() === account.email;
  const send = async () => {
    setChecked(true);
    if (!isSame) return;
    await run(async () => {
      const deletion = await api<Deletion>('/account/deletion', { method: 'POST', body: { email: typed.trim(), unused_credit: credit } });
      // Away first: a page of somebody who is signed in would lead to the sign-in.
      go(`/goodbye?until=${encodeURIComponent(deletion.erase_at)}`, 'replace');
      session.end('signed-out');
    });
  };
  return (
    <Dialog title={t('deletion.title')} onClose={onClose}>
      <ul class="plain-list">
        {(['deletion.keys', 'deletion.week', 'deletion.books', 'deletion.export'] as const).map((key) => (
          <li key={key}>{t(key)}</li>
        ))}
      </ul>
      <Form onSend={send}>
        {rest && <Failure problem={rest} />}
        {nano(paid) > 0n && (
          <Choice legend={t('deletion.credit', { amount: money(paid) })} value={credit} onValue={setCredit} options={CREDIT.map((each) => [each, t(`deletion.${each}`)] as const)} />
        )}
        <TextField
          label={t('deletion.type', { email: account.email })}
          inputMode="email"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={typed}
          onValue={setTyped}
          error={isChecked && !isSame ? t('deletion.wrong') : fault('/email')}
        />
        <DialogActions onClose={onClose}>
          <Button type="submit" kind="danger" busy={isBusy}>
            {t('deletion.button')}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}

/** After it was asked for, without a session. */
export function Goodbye() {
  const { query } = usePlace();
  const until = query.get('until') ?? '';
  const isDate = !Number.isNaN(Date.parse(until));
  return (
    <Entry title={t('goodbye.title')} foot={<Link to="/sign-in">{t('entry.sign_in')}</Link>}>
      <p>{isDate ? t('goodbye.until', { date: longDate(until) }) : t('goodbye.soon')}</p>
      <p>{t('goodbye.back')}</p>
    </Entry>
  );
}

/** In the place of every page, for whoever signs in while it waits. */
export function Leaving() {
  const deletion = useLoad('deletion', (signal) => api<Deletion>('/account/deletion', { signal }));
  const { run, isBusy, problem } = useSending();
  const keep = () =>
    run(async () => {
      await api('/account/deletion', { method: 'DELETE' });
      session.setAccount(await api<Account>('/me'));
    });
  return (
    <Entry
      title={t('leaving.title')}
      foot={
        <Button kind="quiet" icon="out" onClick={signOut}>
          {t('nav.sign_out')}
        </Button>
      }
    >
      <Loading of={deletion} lines={2}>
        {({ state, erase_at }) =>
          state === 'waiting' ? (
            <>
              <Notice tone="warn">{t('goodbye.until', { date: longDate(erase_at) })}</Notice>
              <p>{t('leaving.about')}</p>
              {problem && <Failure problem={problem} />}
              <Button kind="primary" busy={isBusy} onClick={keep}>
                {t('leaving.keep')}
              </Button>
              <ArchiveCard />
            </>
          ) : (
            <p>{t('leaving.erasing')}</p>
          )
        }
      </Loading>
    </Entry>
  );
}
