// Runs before the first paint: the looks and the language of the page.

import { preferredLocale, readPreferences, show } from './preferences';

show(readPreferences());
document.documentElement.lang = preferredLocale();
