// Buttons and fields.

import type { ComponentChildren, JSX } from 'preact';

type InputAttributes = JSX.IntrinsicElements['input'];
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Icon, type IconName } from './icons';
import { announce } from './toast';

interface ButtonProps {
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  busy?: boolean;
  icon?: IconName;
  children: ComponentChildren;
  type?: 'button' | 'submit';
  disabled?: boolean;
  onClick?: () => unknown;
}

export function Button({ kind = 'plain', busy = false, icon, children, type = 'button', disabled = false, onClick }: ButtonProps) {
  const press = () => {
    if (!busy) onClick?.();
  };
  return (
    <button class={`button ${kind}`} type={type} aria-busy={busy} disabled={disabled} onClick={press}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  optional?: boolean;
  children: (attributes: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ComponentChildren;
}

/** A label above, what is asked for below it, and under the control what is wrong with it. */
export function Field({ label, hint, error, optional = false, children }: FieldProps) {
  const id = useId();
  const described = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional && <span class="optional"> {t('form.optional')}</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {children({ id, ...(described ? { 'aria-describedby': described } : {}), ...(error ? { 'aria-invalid': true } : {}) })}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          <Icon name="alert" />
          {error}
        </p>
      )}
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: ComponentChildren;
  error?: string | undefined;
  optional?: boolean;
  prefix?: string;
  suffix?: string;
  type?: string;
  autocomplete?: string;
  autocapitalize?: 'off';
  inputMode?: 'email' | 'numeric' | 'decimal' | 'text';
  maxLength?: number;
  placeholder?: string;
  spellcheck?: boolean;
  name?: string;
}

export function TextField({ label, value, onValue, hint, error, optional, prefix, suffix, ...rest }: TextProps) {
  return (
    <Field label={label} hint={hint} error={error} {...(optional ? { optional } : {})}>
      {(attributes) => {
        const all = { ...attributes, ...rest } as InputAttributes;
        const input = <input {...all} value={value} onInput={(event) => onValue(event.currentTarget.value)} />;
        if (!prefix && !suffix) return input;
        return (
          <span class="affixed">
            {prefix && <span aria-hidden="true">{prefix}</span>}
            {input}
            {suffix && <span aria-hidden="true">{suffix}</span>}
          </span>
        );
      }}
    </Field>
  );
}

export function PasswordField({
  label,
  value,
  onValue,
  error,
  fresh = false,
  focus = false,
}: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  error?: string | undefined;
  /** A new password: its rule is told, and its length is shown. */
  fresh?: boolean;
  focus?: boolean;
}) {
  const [isShown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);
  const length = [...value].length;
  return (
    <Field label={label} error={error} hint={fresh ? t('password.rule') : undefined}>
      {(attributes) => (
        <>
          <span class="affixed">
            <input
              {...attributes}
              {...({ type: isShown ? 'text' : 'password' } as InputAttributes)}
              ref={input}
              name="password"
              autocomplete={fresh ? 'new-password' : 'current-password'}
              spellcheck={false}
              autocapitalize="off"
              value={value}
              onInput={(event) => onValue(event.currentTarget.value)}
            />
            <button
              type="button"
              class="reveal"
              aria-pressed={isShown}
              aria-label={t('password.show')}
              title={t('password.show')}
              onClick={() => setShown(!isShown)}
            >
              <Icon name="eye" />
            </button>
          </span>
          {fresh && (
            <span class="meter" aria-hidden="true">
              <progress max={PASSWORD_MIN} value={Math.min(length, PASSWORD_MIN)} class={length >= PASSWORD_MIN ? 'full' : ''} />
              <span>{length >= PASSWORD_MIN ? t('password.long_enough') : `${length} / ${PASSWORD_MIN}`}</span>
            </span>
          )}
        </>
      )}
    </Field>
  );
}

const PASSWORD_MIN = 15;

export function SelectField<T extends string>({
  label,
  value,
  onValue,
  options,
  hint,
  error,
}: {
  label: string;
  value: T;
  onValue: (value: T) => void;
  options: readonly (readonly [T, string])[];
  hint?: ComponentChildren;
  error?: string | undefined;
}) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(attributes) => <Select {...attributes} value={value} onValue={onValue} options={options} />}
    </Field>
  );
}

export function Select<T extends string>({
  value,
  onValue,
  options,
  ...rest
}: {
  value: T;
  onValue: (value: T) => void;
  options: readonly (readonly [T, string])[];
  id?: string;
  'aria-label'?: string;
}) {
  return (
    <span class="select">
      <select {...rest} value={value} onChange={(event) => onValue(event.currentTarget.value as T)}>
        {options.map(([name, text]) => (
          <option key={name} value={name} selected={name === value}>
            {text}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}

export function Checkbox({
  label,
  hint,
  checked,
  onValue,
}: {
  label: ComponentChildren;
  hint?: ComponentChildren;
  checked: boolean;
  onValue: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        onChange={(event) => onValue(event.currentTarget.checked)}
        {...(hint ? { 'aria-describedby': `${id}-hint` } : {})}
      />
      <div>
        <label for={id}>{label}</label>
        {hint && (
          <p class="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}

/** One of a few, all of them in sight. */
export function Choice<T extends string>({
  legend,
  value,
  options,
  onValue,
  hidesLegend = false,
}: {
  legend: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onValue: (value: T) => void;
  hidesLegend?: boolean;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={hidesLegend ? 'unseen' : ''}>{legend}</legend>
      <div class="segments">
        {options.map(([key, text]) => (
          <label key={key}>
            <input type="radio" name={name} checked={key === value} onChange={() => onValue(key)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Selects what shows a text, so that it is copied by hand; it may be around the button or before it. */
function selectText(around: Element | null, text: string): void {
  const places = [around, around?.parentElement].flatMap((place) => [...(place?.querySelectorAll('code, pre') ?? [])]);
  const shown = places.find((place) => place.textContent?.trim() === text.trim());
  if (shown) getSelection()?.selectAllChildren(shown);
}

/** Copies a text, and says so; where the browser does not let it, the text is selected instead. */
export function CopyButton({ text, label, quiet = false }: { text: string; label?: string; quiet?: boolean }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async (event: MouseEvent) => {
    const around = (event.currentTarget as HTMLElement).parentElement;
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      announce(t('copy.done'));
    } catch {
      selectText(around, text);
      announce(t('copy.by_hand'), 'shown');
    }
  };
  const name = label ?? t('copy.label');
  return (
    <button type="button" class={`button ${quiet ? 'quiet icon-only' : 'plain'}`} onClick={copy} {...(quiet ? { 'aria-label': name, title: name } : {})}>
      <Icon name={isDone ? 'check' : 'copy'} />
      {!quiet && <span>{isDone ? t('copy.done') : name}</span>}
    </button>
  );
}

/** Sends a form: one at a time, with the first wrong field in focus when it fails. */
export function Form({ onSend, children, ...rest }: { onSend: () => Promise<void> | void; children: ComponentChildren; class?: string; 'aria-label'?: string }) {
  const form = useRef<HTMLFormElement>(null);
  const isBusy = useRef(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (isBusy.current) return;
    isBusy.current = true;
    try {
      await onSend();
    } finally {
      isBusy.current = false;
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
    }
  };
  return (
    <form ref={form} noValidate onSubmit={send} {...rest}>
      {children}
    </form>
  );
}
