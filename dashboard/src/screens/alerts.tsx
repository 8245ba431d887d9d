// When to be told: of a balance that runs low, and of what was spent. An alert stops nothing.

import { useState } from 'preact/hooks';
import { api } from '../api';
import { money, nano } from '../format';
import { t } from '../i18n';
import { typed } from '../numbers';
import { useStore } from '../store';
import type { Alerts } from '../types';
import { Button, Checkbox, Form, TextField } from '../ui/controls';
import { Failure, Loading, Notice, useLoad, useSending } from '../ui/load';
import { Card } from '../ui/page';
import { announce } from '../ui/toast';
import { balance } from './balance';
import { amountWrong, isAmount, plain } from './billing_parts';

export function AlertCard() {
  const alerts = useLoad('alerts', (signal) => api<Alerts>('/billing/alerts', { signal }));
  if (alerts.error?.status === 404) return null;
  return (
    <Card title={t('alerts.title')} about={t('limit.or_alert')}>
      <Loading of={alerts} lines={2}>
        {(data) => (
          <>
            <Reached of={data} />
            <AlertForm key={JSON.stringify(data)} of={data} onSaved={alerts.set} />
          </>
        )}
      </Loading>
    </Card>
  );
}

/** What has been reached already. */
function Reached({ of: { low_balance: low, daily_spend: daily, monthly_budget: monthly } }: { of: Alerts }) {
  const now = useStore(balance);
  return (
    <>
      {low && now && nano(now.available) < nano(low.threshold) && <Notice tone="warn">{t('alerts.is_low', { amount: money(low.threshold) })}</Notice>}
      {daily?.reached && <Notice tone="warn">{t('alerts.day_reached', { spent: money(daily.spent), amount: money(daily.amount) })}</Notice>}
      {monthly?.reached && <Notice tone="warn">{t('alerts.month_reached', { spent: money(monthly.spent), amount: money(monthly.amount), percent: monthly.reached })}</Notice>}
    </>
  );
}

interface Wish {
  isOn: boolean;
  amount: string;
  email: boolean;
}

/** What the form begins with: what is kept, or what is suggested. */
function wish(amount: string | undefined, email: boolean | undefined, suggested: string): Wish {
  return { isOn: amount !== undefined, amount: plain(amount ?? suggested), email: email ?? true };
}

function AlertForm({ of: alerts, onSaved }: { of: Alerts; onSaved: (alerts: Alerts) => void }) {
  const [low, setLow] = useState(() => wish(alerts.low_balance?.threshold, alerts.low_balance?.email, '5'));
  const [day, setDay] = useState(() => wish(alerts.daily_spend?.amount, alerts.daily_spend?.email, '10'));
  const [month, setMonth] = useState(() => wish(alerts.monthly_budget?.amount, alerts.monthly_budget?.email, '100'));
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, fault, rest } = useSending();
  const send = async () => {
    setChecked(true);
    if ([low, day, month].some(({ isOn, amount }) => isOn && !isAmount(amount))) return;
    const spend = ({ isOn, amount, email }: Wish) => (isOn ? { amount: typed(amount), email } : null);
    await run(async () => {
      const body = { low_balance: low.isOn ? { threshold: typed(low.amount), email: low.email } : null, daily_spend: spend(day), monthly_budget: spend(month) };
      onSaved(await api<Alerts>('/billing/alerts', { method: 'PUT', body }));
      announce(t('state.saved'), 'shown');
    });
  };
  const wrong = ({ amount }: Wish, pointer: string) => (isChecked && !isAmount(amount) ? amountWrong() : fault(pointer));
  return (
    <Form onSend={send} class="narrow">
      {rest && <Failure problem={rest} />}
      <AlertFields label={t('alerts.low')} hint={t('alerts.low_hint')} field={t('alerts.threshold')} value={low} onValue={setLow} error={wrong(low, '/low_balance/threshold')} />
      <AlertFields label={t('alerts.day')} hint={t('alerts.day_hint')} field={t('alerts.day_amount')} value={day} onValue={setDay} error={wrong(day, '/daily_spend/amount')} />
      <AlertFields label={t('alerts.month')} hint={t('alerts.month_hint')} field={t('alerts.month_amount')} value={month} onValue={setMonth} error={wrong(month, '/monthly_budget/amount')} />
      <Button type="submit" busy={isBusy}>
        {t('form.save')}
      </Button>
    </Form>
  );
}

interface AlertFieldsProps {
  label: string;
  hint: string;
  /** What the amount is called. */
  field: string;
  value: Wish;
  onValue: (next: Wish) => void;
  error: string | undefined;
}

function AlertFields({ label, hint, field, value, onValue, error }: AlertFieldsProps) {
  return (
    <>
      <Checkbox label={label} hint={hint} checked={value.isOn} onValue={(isOn) => onValue({ ...value, isOn })} />
      {value.isOn && (
        <fieldset class="under">
          <legend class="unseen">{label}</legend>
          <TextField label={field} prefix="$" inputMode="decimal" autocomplete="off" value={value.amount} onValue={(amount) => onValue({ ...value, amount })} error={error} />
          <Checkbox label={t('alerts.email')} checked={value.email} onValue={(email) => onValue({ ...value, email })} />
        </fieldset>
      )}
    </>
  );
}
