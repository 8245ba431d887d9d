// English as a language that nobody speaks: accented, two fifths longer, in brackets. What is not in
// the catalogue shows without an accent, and what is too long is cut off.

import { readFileSync } from 'node:fs';

const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ACCENTED = 'áƀçďéƒğĥíĵķłɱñóƥɋřšťúṽŵẋýžÁƁÇĎÉƑĞĤÍĴĶŁṀÑÓƤɊŘŠŤÚṼŴẊÝŽ';
const HOLE = /(\{\w+\})|\{(\w+), plural,((?:\s*\w+ \{[^{}]*\})+)\}/g;
const LONGER = 0.4;

const accents = (text) => text.replace(/[A-Za-z]/g, (letter) => [...ACCENTED][PLAIN.indexOf(letter)]);

/** Words of as many letters in all as a text has to grow. */
function padding(text) {
  const letters = Math.ceil(text.length * LONGER);
  return ' óñé ťŵó ťĥřéé ƒóúř ƒíṽé'.repeat(Math.ceil(letters / 24)).slice(0, letters);
}

function pseudo(message) {
  let said = '';
  let end = 0;
  for (const hole of message.matchAll(HOLE)) {
    said += accents(message.slice(end, hole.index));
    const [whole, , name, branches] = hole;
    said += name ? `{${name}, plural,${branches.replace(/\{([^{}]*)\}/g, (_, text) => `{${accents(text)}}`)}}` : whole;
    end = hole.index + whole.length;
  }
  said += accents(message.slice(end));
  return `⟦${said}${padding(message)}⟧`;
}

/** Makes the dashboard speak it instead of English. */
export async function speakPseudo(context) {
  const english = JSON.parse(readFileSync(new URL('../../dashboard/locales/en.json', import.meta.url), 'utf8'));
  const catalogue = Object.fromEntries(Object.entries(english).map(([key, message]) => [key, pseudo(message)]));
  const body = `export default ${JSON.stringify(catalogue)};`;
  await context.route('**/dashboard/assets/en-*.js', (route) => route.fulfill({ contentType: 'text/javascript', body }));
}

/** What is not of the catalogue and need not be: code, numbers and times, what people and providers
 * call their things, and the words of the server. Runs in the page. */
export function foreign() {
  const own = ['code', 'pre', 'kbd', 'time', 'noscript', 'script', 'option', '[translate=no]', '[role=alert]', '[lang]:not(html)', '.num', '.who-name', '.scale'].join();
  // Units, providers, models, the key of the demonstration, the browser, and networks.
  const names = /\b(?:USD|UTC|ms|min|Anthropic|openai|(?:gpt|claude|text-embedding)-[\w.-]+|demo|Chrome, Linux|[\da-f:.]+\/\d+)\b/gi;
  const rest = (text) => text.replace(/⟦[^⟦⟧]*⟧|⟦[^⟧]*$|^[^⟦]*⟧/g, '').replace(names, '');
  const isPlain = (text) => /[A-Za-z]{2}/.test(rest(text));
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.closest(own) && isPlain(node.data)) found.push(node.data);
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
    if (element.closest(own)) continue;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const text = element.getAttribute(name);
      if (text && isPlain(text)) found.push(`${name}="${text}"`);
    }
  }
  return [...new Set(found)];
}

/** Elements whose content is wider than they are, and hidden there. Runs in the page. */
export function cutOff() {
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || element.clientWidth <= 1 || element.closest('.unseen, svg, select')) continue;
    const { overflowX } = getComputedStyle(element);
    const isHidden = ['hidden', 'clip'].includes(overflowX) || element.tagName === 'BUTTON';
    if (isHidden && element.scrollWidth > element.clientWidth + 1) found.push(`${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 60)}`);
  }
  const wide = document.documentElement.scrollWidth - innerWidth;
  return wide > 0 ? [...found, `the page is ${wide} pixels too wide`] : found;
}
