// Runs before the first paint: the theme and the language of the page.

import { preferredLocale, readPreferences, showDensity, showTheme } from './preferences';

const { theme, dense } = readPreferences();
showTheme(theme);
showDensity(dense);
document.documentElement.lang = preferredLocale();
