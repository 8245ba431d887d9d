// Runs before the first paint: the theme and the language of the page.

import { preferredLocale, readPreferences, showTheme } from './preferences';

showTheme(readPreferences().theme);
document.documentElement.lang = preferredLocale();
