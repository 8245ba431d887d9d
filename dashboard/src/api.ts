// Calls of the account API: with the access token, renewed when it ends, and with the password asked
// for again where the server wants it.

import { locale } from './i18n';
import { session, type Entered } from './session';

export interface FieldFault {
  pointer: string;
  code: string;
  detail: string;
}

/** What the server says is wrong, or that it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly requestId: string | null = null,
    readonly faults: FieldFault[] = [],
    readonly retryAfter: number | null = null,
  ) {
    super(title);
  }

  get isOffline(): boolean {
    return this.code === 'offline';
  }
}

/** The person was asked for something and went back. */
export class Cancelled extends Error {}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Record<string, string | number | null | undefined>;
  body?: unknown;
  signal?: AbortSignal;
  /** Makes a call that creates something safe to send again. */
  idempotencyKey?: string;
}

const BASE = '/api/v1';
const MARGIN_MS = 30_000;

/** Asks for the password; the promise is kept once the server has taken it. */
let askPassword: () => Promise<void> = () => Promise.reject(new Cancelled());
export function onReauthentication(ask: () => Promise<void>): void {
  askPassword = ask;
}

export function url(path: string, query: Call['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return BASE + path + (text ? `?${text}` : '');
}

async function send(path: string, call: Call, token: string | null): Promise<Response> {
  const headers: Record<string, string> = { 'accept-language': locale.get() };
  if (token) headers['authorization'] = `Bearer ${token}`;
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  if (call.idempotencyKey) headers['idempotency-key'] = call.idempotencyKey;
  try {
    return await fetch(url(path, call.query), {
      method: call.method ?? 'GET',
      headers,
      credentials: 'same-origin',
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal ? { signal: call.signal } : {}),
    });
  } catch (error) {
    if (call.signal?.aborted) throw new Cancelled();
    throw new Problem(0, 'offline', String(error));
  }
}

async function problem(response: Response): Promise<Problem> {
  const after = Number(response.headers.get('retry-after'));
  const wait = Number.isFinite(after) && after > 0 ? after : null;
  const id = response.headers.get('x-request-id');
  try {
    const body = (await response.json()) as { code?: string; title?: string; request_id?: string; errors?: FieldFault[] };
    return new Problem(response.status, body.code ?? 'unknown', body.title ?? '', body.request_id ?? id, body.errors ?? [], wait);
  } catch {
    return new Problem(response.status, 'unknown', response.statusText, id, [], wait);
  }
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw await problem(response);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** A call without a session. */
export async function open<T = void>(path: string, call: Call = {}): Promise<T> {
  return read<T>(await send(path, call, null));
}

/** The answer to a call of the person who is signed in. */
async function answer(path: string, call: Call): Promise<Response> {
  const response = await send(path, call, await freshToken());
  if (response.ok) return response;
  let wrong = await problem(response);
  if (wrong.code === 'unauthenticated') {
    // The token may have ended early: its session was renewed elsewhere, or is no more.
    await renew(session.get()?.token ?? null);
    const again = await send(path, call, session.get()?.token ?? null);
    if (again.ok) return again;
    wrong = await problem(again);
    if (wrong.code === 'unauthenticated') session.end('elsewhere');
  }
  if (wrong.code === 'reauth_required') {
    await askPassword();
    return answer(path, call);
  }
  throw wrong;
}

/** A call of the person who is signed in. */
export async function api<T = void>(path: string, call: Call = {}): Promise<T> {
  return read<T>(await answer(path, call));
}

/** Saves the answer to a call as a file. */
export async function download(path: string, call: Call, name: string): Promise<void> {
  const response = await answer(path, call);
  const given = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '');
  saveBlob(await response.blob(), given?.[1] ?? name);
}

export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function freshToken(): Promise<string | null> {
  const current = session.get();
  if (!current) return null;
  if (current.expiresAt - Date.now() < MARGIN_MS) await renew(current.token);
  return session.get()?.token ?? null;
}

let renewing: Promise<void> | null = null;

/** Renews the access token: once at a time in this tab, and one tab after another, since a refresh
 * token may be used only once. `seen` is the token that is not good any more. */
export function renew(seen: string | null): Promise<void> {
  renewing ??= locked(() => renewNow(seen)).finally(() => {
    renewing = null;
  });
  return renewing;
}

function locked(work: () => Promise<void>): Promise<void> {
  if (!('locks' in navigator)) return work();
  return navigator.locks.request('aiduet-refresh', work) as Promise<void>;
}

async function renewNow(seen: string | null): Promise<void> {
  session.reload();
  const current = session.get();
  // Another tab was faster.
  if (current && current.token !== seen && current.expiresAt - Date.now() > MARGIN_MS) return;
  const response = await send('/auth/refresh', { method: 'POST' }, null);
  if (response.ok) {
    session.begin((await response.json()) as Entered);
    return;
  }
  const wrong = await problem(response);
  if (wrong.code === 'unauthenticated') session.end('elsewhere');
  throw wrong;
}

/** Takes up the session that the server has opened in this browser, whoever was signed in before. */
export function takeUp(): Promise<void> {
  return locked(async () => session.begin(await open<Entered>('/auth/refresh', { method: 'POST' })));
}

/** A name for a request that creates something. */
export function newIdempotencyKey(): string {
  return crypto.randomUUID();
}
