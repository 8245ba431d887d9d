// What a person has chosen on this device. Kept in local storage; nothing here is secret.

export type Locale = 'en' | 'zh-CN' | 'ja';
export type Theme = 'system' | 'light' | 'dark';
export type Motion = 'system' | 'reduced';

export const LOCALES: readonly Locale[] = ['en', 'zh-CN', 'ja'];
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
export const MOTIONS: readonly Motion[] = ['system', 'reduced'];

/** How numbers are written: as the language does, or with the marks that a sample shows. */
export const NUMBER_FORMATS = ['language', '1,234.56', '1.234,56', '1\u202f234,56', '1\u202f234.56', '1’234.56', '1234.56'] as const;
export type NumberFormat = (typeof NUMBER_FORMATS)[number];

export interface Preferences {
  theme: Theme;
  /** `null`: what the browser asks for. */
  locale: Locale | null;
  /** An IANA time zone; `null`: the one of the browser. */
  zone: string | null;
  numbers: NumberFormat;
  motion: Motion;
  /** Whether single letters do something. */
  shortcuts: boolean;
  /** The snippet that the quickstart begins with: the one that was looked at last. */
  snippet: string;
  /** The period that usage and requests begin with. */
  range: string;
  /** Whether rows of tables are low. */
  dense: boolean;
  /** When the warning of a low balance was put away, in milliseconds since 1970. */
  lowHiddenAt: number;
}

const NAME = 'aiduet.preferences';
const DEFAULTS: Preferences = { theme: 'system', locale: null, zone: null, numbers: 'language', motion: 'system', shortcuts: true, snippet: 'curl', range: '7d', dense: false, lowHiddenAt: 0 };

export function readPreferences(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(NAME) ?? '{}');
    return valid({ ...DEFAULTS, ...(typeof stored === 'object' ? (stored as Partial<Preferences>) : {}) });
  } catch {
    return DEFAULTS;
  }
}

export function writePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(NAME, JSON.stringify(preferences));
  } catch {
    // A browser without storage forgets.
  }
}

function valid(given: Preferences): Preferences {
  return {
    theme: THEMES.includes(given.theme) ? given.theme : DEFAULTS.theme,
    locale: given.locale && LOCALES.includes(given.locale) ? given.locale : null,
    zone: given.zone && isZone(given.zone) ? given.zone : null,
    numbers: NUMBER_FORMATS.includes(given.numbers) ? given.numbers : DEFAULTS.numbers,
    motion: MOTIONS.includes(given.motion) ? given.motion : DEFAULTS.motion,
    shortcuts: given.shortcuts !== false,
    snippet: typeof given.snippet === 'string' ? given.snippet : DEFAULTS.snippet,
    range: typeof given.range === 'string' ? given.range : DEFAULTS.range,
    dense: given.dense === true,
    lowHiddenAt: Number(given.lowHiddenAt) || 0,
  };
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The language that was chosen, else the first of the browser's that is spoken here. */
export function preferredLocale(): Locale {
  const { locale } = readPreferences();
  if (locale) return locale;
  for (const tag of navigator.languages) {
    const found = localeOf(tag);
    if (found) return found;
  }
  return 'en';
}

/** The language spoken here that a tag asks for. */
export function localeOf(tag: string): Locale | undefined {
  const language = tag.toLowerCase().split('-')[0];
  if (language === 'zh') return 'zh-CN';
  return language === 'ja' || language === 'en' ? language : undefined;
}

const DARK = '(prefers-color-scheme: dark)';

/** Gives the page a theme; `system` is that of the browser at the moment. */
function showTheme(theme: Theme): void {
  const shown = theme === 'system' ? (matchMedia(DARK).matches ? 'dark' : 'light') : theme;
  document.documentElement.dataset['theme'] = shown;
}

/** Gives the page what its style asks for. */
export function show({ theme, dense, motion }: Preferences): void {
  showTheme(theme);
  const { dataset } = document.documentElement;
  dataset['density'] = dense ? 'compact' : 'normal';
  dataset['motion'] = motion;
}

/** Goes along when the browser changes between day and night. */
export function followSystem(): void {
  matchMedia(DARK).addEventListener('change', () => showTheme(readPreferences().theme));
}
