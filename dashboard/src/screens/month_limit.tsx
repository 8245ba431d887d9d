// How much a month may cost, with all keys. A limit stops requests.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { money, nano } from '../format';
import { t } from '../i18n';
import { typed } from '../numbers';
import type { Limits, MonthlyLimit } from '../types';
import { Button, Checkbox, Form, TextField } from '../ui/controls';
import { Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Card, Facts, Money, Time } from '../ui/page';
import { announce } from '../ui/toast';
import { amountWrong, isAmount, plain } from './billing_parts';

export function LimitCard() {
  const limits = useLoad('limits', (signal) => api<Limits>('/billing/limits', { signal }));
  if (limits.error?.status === 404) return null;
  return (
    <Card title={t('limit.title')} about={t('limit.or_alert')}>
      <Loading of={limits} lines={2}>
        {({ monthly }) => <LimitForm key={monthly?.amount ?? ''} of={monthly} onSaved={limits.set} />}
      </Loading>
    </Card>
  );
}

/** How far the month is. */
function Standing({ of: { amount, spent, held, resets_at } }: { of: MonthlyLimit }) {
  return (
    <>
      {nano(spent) >= nano(amount) && <Notice tone="warn">{t('limit.reached', { amount: money(amount) })}</Notice>}
      <Facts
        of={[
          [t('limit.spent'), <Money of={spent} />],
          [t('limit.held'), <Money of={held} />],
          ...(resets_at === null ? [] : [[t('limit.resets'), <Time at={resets_at} />] as const]),
        ]}
      />
    </>
  );
}

function LimitForm({ of: current, onSaved }: { of: MonthlyLimit | null; onSaved: (limits: Limits) => void }) {
  const [isOn, setOn] = useState(current !== null);
  const [amount, setAmount] = useState(plain(current?.amount ?? '20'));
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const wrong = isChecked && !isAmount(amount) ? amountWrong() : fault('/monthly/amount');
  const send = async () => {
    setChecked(true);
    if (isOn && !isAmount(amount)) return;
    await run(async () => {
      onSaved(await api<Limits>('/billing/limits', { method: 'PUT', body: { monthly: isOn ? { amount: typed(amount) } : null } }));
      announce(t('state.saved'), 'shown');
    });
  };
  return (
    <Form onSend={send} class="narrow">
      {current && <Standing of={current} />}
      {rest && <Failure problem={rest} />}
      <Checkbox label={t('limit.on')} hint={t('limit.hint')} checked={isOn} onValue={setOn} />
      {isOn && <TextField label={t('limit.amount')} prefix="$" inputMode="decimal" autocomplete="off" value={amount} onValue={setAmount} error={wrong} />}
      <Button type="submit" busy={isBusy}>
        {t('form.save')}
      </Button>
    </Form>
  );
}
