// Which mails are sent: those that may be turned off, alerts, and what is always told.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { t } from '../i18n';
import type { Notifications } from '../types';
import { Button, Checkbox, Form } from '../ui/controls';
import { Failure, Loading, useLoad, useSending } from '../ui/load';
import { Card } from '../ui/page';
import { announce } from '../ui/toast';
import { AlertCard } from './alerts';

export function NotificationsTab() {
  const loaded = useLoad('notifications', (signal) => api<Notifications>('/me/notifications', { signal }));
  return (
    <>
      <Card title={t('notify.title')} about={t('notify.about')}>
        <Loading of={loaded} lines={2}>{(data) => <Choices key={JSON.stringify(data)} of={data} onSaved={loaded.set} />}</Loading>
      </Card>
      <AlertCard />
      <Card title={t('notify.always')} about={t('notify.always_about')}>
        <ul class="plain-list">
          {(['notify.security', 'notify.keys', 'notify.money', 'notify.policies', 'notify.data'] as const).map((key) => (
            <li key={key}>{t(key)}</li>
          ))}
        </ul>
        <p class="hint after">{t('notify.no_news')}</p>
      </Card>
    </>
  );
}

function Choices({ of: chosen, onSaved }: { of: Notifications; onSaved: (chosen: Notifications) => void }) {
  const [choices, setChoices] = useState(chosen);
  const { run, isBusy, problem } = useSending();
  const send = async () => {
    await run(async () => {
      onSaved(await api<Notifications>('/me/notifications', { method: 'PUT', body: choices }));
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Form onSend={send} class="narrow">
      {problem && <Failure problem={problem} />}
      <Checkbox label={t('notify.key_expiry')} hint={t('notify.key_expiry_hint')} checked={choices.key_expiry} onValue={(isOn) => setChoices({ ...choices, key_expiry: isOn })} />
      <Checkbox label={t('notify.new_sign_in')} hint={t('notify.new_sign_in_hint')} checked={choices.new_sign_in} onValue={(isOn) => setChoices({ ...choices, new_sign_in: isOn })} />
      <Checkbox label={t('notify.balance_empty')} hint={t('notify.balance_empty_hint')} checked={choices.balance_empty} onValue={(isOn) => setChoices({ ...choices, balance_empty: isOn })} />
      <Button type="submit" busy={isBusy}>
        {t('form.save')}
      </Button>
    </Form>
  );
}
