// What was chosen on this device, followed by the page.

import { followSystem, preferredLocale, readPreferences, show, writePreferences, type Locale, type Preferences } from './preferences';
import { store } from './store';

export const preferences = store<Preferences>(readPreferences());
followSystem();

/** Which language is shown; changes once its catalogue is there. */
export const locale = store<Locale>(preferredLocale());

export function prefer(changes: Partial<Preferences>): void {
  const next = { ...readPreferences(), ...changes };
  writePreferences(next);
  preferences.set(next);
  show(next);
}
