// Language and theme, on every page.

import { api } from '../api';
import { chooseLocale, locale, t } from '../i18n';
import { LOCALES, THEMES, type Locale } from '../preferences';
import { session } from '../session';
import { useStore } from '../store';
import { prefer, preferences } from '../theme';
import type { Account } from '../types';
import { Select } from '../ui/controls';

/** Each language by its own name, so that whoever needs it can read it. */
export const LANGUAGE_NAMES: Record<Locale, string> = { en: 'English', 'zh-CN': '简体中文', ja: '日本語' };

export async function setLanguage(next: Locale): Promise<void> {
  await chooseLocale(next);
  // Mails speak it too; if this fails they go on in the language of before.
  if (session.get()) {
    const account = await api<Account>('/me', { method: 'PATCH', body: { locale: next } }).catch(() => null);
    if (account) session.setAccount(account);
  }
}

export function LanguageChoice() {
  const current = useStore(locale);
  return (
    <Select
      aria-label={t('choice.language')}
      value={current}
      onValue={(next) => void setLanguage(next)}
      options={LOCALES.map((each) => [each, LANGUAGE_NAMES[each]] as const)}
    />
  );
}

export function ThemeChoice() {
  const { theme } = useStore(preferences);
  return (
    <Select
      aria-label={t('choice.theme')}
      value={theme}
      onValue={(next) => prefer({ theme: next })}
      options={THEMES.map((each) => [each, t(`theme.${each}`)] as const)}
    />
  );
}
