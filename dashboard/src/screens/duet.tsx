// Why the duet would choose a model: asked of the gateway, without a call and without a charge.

import { useState } from 'preact/hooks';
import { gateway } from '../gateway';
import { count } from '../format';
import { t } from '../i18n';
import { keyInHand } from '../key_in_hand';
import { useStore } from '../store';
import { Button, Field, Form } from '../ui/controls';
import { Failure, Notice, useSending } from '../ui/load';
import { Badge, Card, Facts, Money, Page, Table } from '../ui/page';
import { OwnKey } from './own_key';
import { PROVIDERS } from './models_data';

type Role = 'plan' | 'code' | 'review' | 'chat';

interface Scored {
  role: Role;
  score: number;
}

interface Explained {
  role: Role;
  rule: string;
  model: string;
  provider: string;
  model_reason: string;
  reason: string;
  scores: Scored[];
  features: { feature: string; value: number; contributions: Scored[] }[];
  candidates: { model: string; state: string; reason?: string }[];
  estimate: { input_tokens: number; output_tokens_max: number; price_max: string };
  switch_cost: string | null;
}

const FEATURES_SHOWN = 8;

export function DuetExplain() {
  const held = useStore(keyInHand);
  const [text, setText] = useState('');
  const [explained, setExplained] = useState<Explained | null>(null);
  const [isChecked, setChecked] = useState(false);
  const { run, isBusy, rest } = useSending();
  const send = async () => {
    setChecked(true);
    if (text.trim() === '' || !held) return;
    await run(async () => {
      const body = { messages: [{ role: 'user', content: text }] };
      setExplained((await gateway<Explained>('/v1/duet/explain', held.text, body)).body);
    });
  };
  return (
    <Page title={t('duet.title')} about={t('duet.about')}>
      <Card>
        <OwnKey />
        <Form onSend={send}>
          <Field label={t('duet.request')} hint={t('duet.request_hint')} error={isChecked && text.trim() === '' ? t('duet.request_needed') : undefined}>
            {(attributes) => <textarea {...attributes} rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} placeholder={t('duet.example')} />}
          </Field>
          {isChecked && !held && <Notice tone="warn">{t('duet.key_needed')}</Notice>}
          {rest && <Failure problem={rest} />}
          <Button type="submit" kind="primary" busy={isBusy}>
            {t('duet.button')}
          </Button>
        </Form>
      </Card>
      {explained && <Explanation of={explained} />}
    </Page>
  );
}

function Explanation({ of: e }: { of: Explained }) {
  const most = Math.max(1, ...e.scores.map(({ score }) => Math.abs(score)));
  const strongest = [...e.features].sort((a, b) => strength(b, e.role) - strength(a, e.role)).slice(0, FEATURES_SHOWN);
  const signed = (value: number) => `${value > 0 ? '+' : value < 0 ? '−' : ''}${count(Math.abs(value))}`;
  return (
    <div aria-live="polite">
      <Card title={t('duet.answer', { role: t(`role.${e.role}`), model: e.model })} about={t(`role.about.${e.role}`)}>
        <Facts
          of={[
            [t('models.model'), <code>{e.model}</code>],
            [t('models.provider'), PROVIDERS[e.provider] ?? e.provider],
            [t('duet.rule'), <code>{e.rule}</code>],
            [t('duet.model_reason'), <code>{e.model_reason}</code>],
            [t('duet.tokens'), `${count(e.estimate.input_tokens)} / ${count(e.estimate.output_tokens_max)}`],
            [t('duet.price_max'), <Money of={e.estimate.price_max} />],
          ]}
        />
      </Card>
      {e.scores.length > 0 && (
        <Card title={t('duet.scores')} about={t('duet.scores_about')}>
          <ul class="scores">
            {e.scores.map(({ role, score }) => (
              <li key={role}>
                <span>{t(`role.${role}`)}</span>
                <meter class={score < 0 ? 'negative' : ''} min={0} max={most} value={Math.abs(score)} aria-label={`${t(`role.${role}`)} ${signed(score)}`} />
                <span class="num right">{signed(score)}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {strongest.length > 0 && (
        <Card title={t('duet.features')} about={t('duet.features_about')}>
          <Table
            label={t('duet.features')}
            rows={strongest}
            id={(each) => each.feature}
            columns={[
              { name: 'feature', title: t('duet.feature'), cell: (each) => <code>{each.feature}</code> },
              ...(['plan', 'code', 'review', 'chat'] as const).map((role) => ({
                name: role,
                title: t(`role.${role}`),
                isNumber: true,
                cell: (each: Explained['features'][number]) => signed(each.contributions.find((one) => one.role === role)?.score ?? 0),
              })),
            ]}
          />
        </Card>
      )}
      <Card title={t('duet.candidates')}>
        <Table
          label={t('duet.candidates')}
          rows={e.candidates}
          id={(each) => each.model}
          columns={[
            { name: 'model', title: t('models.model'), cell: (each) => <code>{each.model}</code> },
            {
              name: 'state',
              title: t('key.state'),
              cell: (each) => {
                const state = (['chosen', 'alternative'] as const).find((known) => known === each.state);
                return <Badge tone={each.state === 'chosen' ? 'good' : 'calm'}>{state ? t(`candidate.${state}`) : each.state}</Badge>;
              },
            },
            { name: 'reason', title: t('duet.why'), cell: (each) => (each.reason ? <code>{each.reason}</code> : '–') },
          ]}
        />
      </Card>
    </div>
  );
}

function strength(feature: Explained['features'][number], role: Role): number {
  return Math.abs(feature.contributions.find((each) => each.role === role)?.score ?? 0);
}
