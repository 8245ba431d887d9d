// Single letters for those who like them; they can be turned off in the settings.

import { useEffect, useState } from 'preact/hooks';
import { t, type Key } from '../i18n';
import { go, place, setQuery } from '../router';
import { preferences } from '../theme';
import { Dialog } from '../ui/dialog';
import { Facts } from '../ui/page';

const PLACES: Record<string, readonly [path: string, name: Key]> = {
  o: ['/', 'nav.overview'],
  u: ['/usage', 'nav.usage'],
  r: ['/requests', 'nav.requests'],
  k: ['/keys', 'nav.keys'],
  m: ['/models', 'nav.models'],
  b: ['/billing', 'nav.billing'],
  d: ['/duet', 'nav.duet'],
  q: ['/quickstart', 'nav.quickstart'],
  s: ['/settings', 'nav.settings'],
};

const PATIENCE_MS = 1_500;

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog, [contenteditable]') !== null;
}

export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let goAt = 0;
    const press = (event: KeyboardEvent) => {
      if (!preferences.get().shortcuts || event.ctrlKey || event.altKey || event.metaKey || isTyping(event)) return;
      const target = PLACES[event.key];
      if (target && Date.now() - goAt < PATIENCE_MS) {
        goAt = 0;
        event.preventDefault();
        go(target[0]);
      } else if (event.key === 'g') {
        goAt = Date.now();
      } else if (event.key === '?') {
        setOpen(true);
      } else if (event.key === '/') {
        const search = document.querySelector<HTMLElement>('main input[type="search"]');
        if (!search) return;
        event.preventDefault();
        search.focus();
      } else if (event.key === 'c' && place.get().path === '/keys') {
        event.preventDefault();
        setQuery({ new: '1' });
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  if (!isOpen) return null;
  const keys = (text: string) => <kbd>{text}</kbd>;
  return (
    <Dialog title={t('shortcuts.title')} onClose={() => setOpen(false)}>
      <Facts
        of={[
          ...Object.entries(PLACES).map(([key, [, name]]) => [t(name), keys(`g ${key}`)] as const),
          [t('shortcuts.search'), keys('/')] as const,
          [t('keys.create'), keys('c')] as const,
          [t('shortcuts.title'), keys('?')] as const,
        ]}
      />
    </Dialog>
  );
}
