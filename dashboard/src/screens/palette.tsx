// Goes anywhere by a few letters: pages, what is done most, keys by name, a request by its id.

import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { api } from '../api';
import { t } from '../i18n';
import { go } from '../router';
import { store, useStore } from '../store';
import type { ApiKey, Page as PageOf } from '../types';
import { Dialog } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icons';
import { useLoad } from '../ui/load';
import { pageAddress, ENTRIES, signOut } from './entries';

interface Goal {
  id: string;
  icon: IconName;
  name: string;
  /** What kind of thing it is, where the name does not tell. */
  kind?: string;
  run: () => unknown;
}

const KEYS_MAX = 100;
const SHOWN_MAX = 12;
const REQUEST = /^req_[0-9a-f]{32}$/;

const isOpen = store(false);

export function openPalette(): void {
  isOpen.set(true);
}

/** `⌘K` where the keyboard has that key. */
export const PALETTE_KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘K' : 'Ctrl K';

export function Palette() {
  const shown = useStore(isOpen);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || event.altKey || event.shiftKey || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return shown ? <Search onClose={() => isOpen.set(false)} /> : null;
}

function goals(keys: ApiKey[], wanted: string): Goal[] {
  const pages = ENTRIES.map(([path, icon, name]) => ({ id: path, icon, name: t(name), run: () => go(path) }));
  const settings = (['preferences', 'security', 'notifications', 'privacy'] as const).map((tab) => ({ id: `/settings/${tab}`, icon: 'settings' as const, name: t(`settings.${tab}`), kind: t('nav.settings'), run: () => go(`/settings/${tab}`) }));
  const deeds: Goal[] = [
    { id: 'create-key', icon: 'plus', name: t('keys.create'), run: () => go('/keys?new=1') },
    { id: 'docs', icon: 'docs', name: t('nav.docs'), run: () => location.assign(pageAddress('/docs')) },
    { id: 'sign-out', icon: 'out', name: t('nav.sign_out'), run: signOut },
  ];
  const own = keys.map(({ id, name }) => ({ id, icon: 'keys' as const, name, kind: t('key.key'), run: () => go(`/keys/${id}`) }));
  const request = REQUEST.test(wanted) ? [{ id: wanted, icon: 'requests' as const, name: wanted, kind: t('request.title'), run: () => go(`/requests/${wanted}`) }] : [];
  return [...request, ...pages, ...deeds, ...settings, ...own];
}

/** Whether each word of what is wanted is somewhere in the name. */
function isMeant({ name, kind = '' }: Goal, wanted: string): boolean {
  const text = plain(`${name} ${kind}`);
  return plain(wanted).split(/\s+/).every((word) => text.includes(word));
}

/** Without accents, and small. */
function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function Search({ onClose }: { onClose: () => void }) {
  const keys = useLoad('palette', (signal) => api<PageOf<ApiKey>>('/keys', { query: { limit: KEYS_MAX }, signal }));
  const [wanted, setWanted] = useState('');
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const found = goals(keys.data?.data ?? [], wanted.trim()).filter((goal) => isMeant(goal, wanted.trim())).slice(0, SHOWN_MAX);
  const current = found[chosen] ?? found[0];
  const nameOf = (goal: Goal) => `${id}-${goal.id}`;
  const run = (goal: Goal | undefined) => {
    if (!goal) return;
    onClose();
    goal.run();
  };
  const move = (by: number) => setChosen((found.length + Math.max(0, found.indexOf(current as Goal)) + by) % Math.max(1, found.length));
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else if (event.key === 'Enter' && !event.isComposing) run(current);
    else if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) onClose();
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t('palette.title')} onClose={onClose}>
      <div class="palette">
        <input
          {...({ type: 'search', role: 'combobox' } as JSX.IntrinsicElements['input'])}
          aria-label={t('palette.label')}
          aria-expanded={found.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          {...(current ? { 'aria-activedescendant': nameOf(current) } : {})}
          autocomplete="off"
          spellcheck={false}
          placeholder={t('palette.label')}
          value={wanted}
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={press}
        />
        <ul id={`${id}-list`} role="listbox" aria-label={t('palette.title')}>
          {found.map((goal) => (
            <li key={goal.id} id={nameOf(goal)} role="option" aria-selected={goal === current} onClick={() => run(goal)}>
              <Icon name={goal.icon} />
              <span class="goal">{goal.name}</span>
              {goal.kind && <span class="kind">{goal.kind}</span>}
            </li>
          ))}
        </ul>
        <p role="status" class={found.length > 0 ? 'unseen' : 'hint'}>
          {found.length > 0 ? t('palette.found', { n: found.length }) : t('state.no_match')}
        </p>
      </div>
    </Dialog>
  );
}
