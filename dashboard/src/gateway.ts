// Calls of the gateway itself, with an API key. What is asked and answered stays in the page.

import { Problem } from './api';

export interface Answered<T> {
  body: T;
  id: string;
}

export async function gateway<T>(path: string, key: string, body?: unknown): Promise<Answered<T>> {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    credentials: 'omit',
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Problem(0, 'offline', String(error));
  });
  const id = response.headers.get('x-request-id') ?? '';
  if (!response.ok) {
    const wrong = (await response.json().catch(() => ({}))) as { error?: { message?: string; code?: string } };
    throw new Problem(response.status, wrong.error?.code ?? 'unknown', wrong.error?.message ?? response.statusText, id);
  }
  return { body: (await response.json()) as T, id };
}
