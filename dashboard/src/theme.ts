// What was chosen on this device, followed by the page.

import { followSystem, readPreferences, showDensity, showTheme, writePreferences, type Preferences } from './preferences';
import { store } from './store';

export const preferences = store<Preferences>(readPreferences());
followSystem();

export function prefer(changes: Partial<Preferences>): void {
  const next = { ...readPreferences(), ...changes };
  writePreferences(next);
  preferences.set(next);
  showTheme(next.theme);
  showDensity(next.dense);
}
