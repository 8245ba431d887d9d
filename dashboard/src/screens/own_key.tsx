// A key to make calls with: the one that was just made, or one that is pasted. It stays in memory.

import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { keyInHand } from '../key_in_hand';
import { useStore } from '../store';
import { Button, Form, TextField } from '../ui/controls';

const FORM = /^sk-duet-[0-9A-Za-z]{20,80}$/;

export function OwnKey() {
  const held = useStore(keyInHand);
  const [text, setText] = useState('');
  const [isChecked, setChecked] = useState(false);
  if (held) {
    return (
      <p class="inline">
        <span>{t('own_key.held', { name: held.name })}</span>
        <code>{`${held.text.slice(0, 12)}…${held.text.slice(-4)}`}</code>
        <Button kind="quiet" onClick={() => keyInHand.set(null)}>
          {t('own_key.forget')}
        </Button>
      </p>
    );
  }
  const use = () => {
    setChecked(true);
    if (FORM.test(text.trim())) keyInHand.set({ id: '', name: t('own_key.pasted'), text: text.trim() });
  };
  return (
    <Form onSend={use} class="row">
      <TextField
        label={t('own_key.label')}
        hint={t('own_key.hint')}
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onValue={setText}
        error={isChecked && !FORM.test(text.trim()) ? t('own_key.wrong') : undefined}
      />
      <Button type="submit">{t('own_key.use')}</Button>
    </Form>
  );
}
