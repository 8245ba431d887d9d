import { render } from 'preact';
import { App } from './app';
import { locale, speak } from './i18n';

await speak(locale.get());
const root = document.getElementById('app');
if (root) render(<App />, root);
