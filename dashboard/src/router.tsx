// Where we are: a path below /dashboard, and a query that holds everything that can be filtered, so
// that a page can be linked, gone back to and loaded again.

import type { ComponentChildren } from 'preact';
import { store, useStore } from './store';

export const BASE = '/dashboard';

export interface Place {
  /** Without the base; starts with `/`. */
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  const path = location.pathname.slice(BASE.length).replace(/\/+$/, '');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(location.search) };
}

export const place = store<Place>(here());
/** Asked before a page is left; says no with `false`. */
let mayLeave: (() => boolean) | null = null;

addEventListener('popstate', () => place.set(here()));
addEventListener('beforeunload', (event) => {
  if (mayLeave) event.preventDefault();
});

/** While set, a page is left only if the question is answered with yes. */
export function guardLeaving(question: (() => boolean) | null): void {
  mayLeave = question;
}

export function href(path: string): string {
  return path === '/' ? BASE : BASE + path;
}

export function go(path: string, mode: 'push' | 'replace' = 'push'): void {
  if (mayLeave && !mayLeave()) return;
  mayLeave = null;
  const url = href(path);
  if (mode === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  place.set(here());
  if (mode === 'push') scrollTo(0, 0);
}

/** Changes members of the query; an empty text takes one away. */
export function setQuery(changes: Record<string, string | null>, mode: 'push' | 'replace' = 'push'): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const url = location.pathname + (text ? `?${text}` : '');
  if (mode === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  place.set(here());
}

export function usePlace(): Place {
  return useStore(place);
}

interface LinkProps {
  to: string;
  children: ComponentChildren;
  class?: string;
  'aria-current'?: 'page';
}

export function Link({ to, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={href(to)} onClick={follow} {...rest}>
      {children}
    </a>
  );
}

/** A path within the dashboard that may be gone to after signing in; anything else is the start. */
export function safeReturn(wanted: string | null): string {
  if (!wanted || !/^\/(?![/\\])[\w\-./~%?=&+,:]*$/.test(wanted)) return '/';
  const url = new URL(BASE + wanted, location.origin);
  const inside = url.origin === location.origin && (url.pathname === BASE || url.pathname.startsWith(`${BASE}/`));
  return inside ? url.pathname.slice(BASE.length) + url.search : '/';
}
