// Single letters for those who like them; they can be turned off in the settings.

import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { go, place, setQuery } from '../router';
import { preferences } from '../theme';
import { Dialog } from '../ui/dialog';
import { Facts } from '../ui/page';
import { ENTRIES } from './entries';
import { PALETTE_KEY } from './palette';

const PATIENCE_MS = 1_500;

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog, [contenteditable]') !== null;
}

/** Whether a key that was pressed may do something by itself. */
export function isShortcut(event: KeyboardEvent): boolean {
  return preferences.get().shortcuts && !event.ctrlKey && !event.altKey && !event.metaKey;
}

/** To the link of the next row of a table, or of the one before; into it from elsewhere. */
function moveInList(by: number): boolean {
  const links = [...document.querySelectorAll<HTMLElement>('main tbody tr')].flatMap((row) => row.querySelector<HTMLElement>('a') ?? []);
  const at = links.findIndex((link) => link.closest('tr')?.contains(document.activeElement));
  const next = at < 0 ? links[0] : links[at + by];
  next?.focus();
  return next !== undefined;
}

function focusSearch(): boolean {
  const search = document.querySelector<HTMLElement>('main input[type="search"]');
  search?.focus();
  return search !== null;
}

function turnChart(): boolean {
  const button = document.querySelector<HTMLElement>('main .chart [aria-pressed]');
  button?.click();
  return button !== null;
}

/** What a letter does at once; whether it did. */
const DEEDS: Record<string, () => boolean> = {
  '/': focusSearch,
  c: () => {
    if (place.get().path !== '/keys') return false;
    setQuery({ new: '1' });
    return true;
  },
  j: () => moveInList(1),
  k: () => moveInList(-1),
  t: turnChart,
};

export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let goAt = 0;
    const press = (event: KeyboardEvent) => {
      if (!isShortcut(event) || isTyping(event)) return;
      const target = ENTRIES.find(([, , , letter]) => letter === event.key);
      const isGoing = Date.now() - goAt < PATIENCE_MS;
      goAt = 0;
      if (target && isGoing) {
        event.preventDefault();
        go(target[0]);
      } else if (event.key === 'g') {
        goAt = Date.now();
      } else if (event.key === '?') {
        setOpen(true);
      } else if (DEEDS[event.key]?.()) {
        event.preventDefault();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  if (!isOpen) return null;
  const keys = (...texts: string[]) => (
    <span class="inline">
      {texts.map((text) => (
        <kbd key={text}>{text}</kbd>
      ))}
    </span>
  );
  return (
    <Dialog title={t('shortcuts.title')} onClose={() => setOpen(false)}>
      <Facts
        of={[
          [t('palette.title'), keys(PALETTE_KEY)],
          ...ENTRIES.map(([, , name, letter]) => [t(name), keys('g', letter)] as const),
          [t('shortcuts.search'), keys('/')],
          [t('shortcuts.list'), keys('j', 'k')],
          [t('chart.as_table'), keys('t')],
          [t('keys.create'), keys('c')],
          [t('shortcuts.title'), keys('?')],
        ]}
      />
    </Dialog>
  );
}
