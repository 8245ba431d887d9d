// Every screen, as a path and what it shows once it is there.

/** Pages that the server writes, below the language. */
export const PUBLIC = ['/', '/docs', '/pricing', '/status', '/privacy/proof', '/privacy', '/terms', '/policies', '/nowhere'];

/** For everybody. */
export const OPEN = [
  '/sign-in',
  '/sign-up',
  '/forgot-password',
  '/reset-password#token=none',
  '/verify-email#token=none',
  '/confirm-email',
  '/undo-email',
  '/cancel-deletion#token=none',
  '/goodbye?until=2026-12-03T00:00:00Z',
];

/** For whoever is signed in. */
export const OWN = [
  '/',
  '/usage',
  '/usage?range=24h&metric=first_byte_ms&by=key',
  '/requests',
  '/requests/{request}',
  '/keys',
  '/keys?new=1',
  '/keys/{key}',
  '/keys/{key}?do=edit',
  '/keys/{key}?do=rotate',
  '/keys/{key}?do=delete',
  '/models?q=haiku',
  '/models?model=claude-haiku-4-5',
  '/billing',
  '/billing?topup=topup_0',
  '/duet',
  '/quickstart',
  '/settings',
  '/settings/preferences',
  '/settings/security',
  '/settings/notifications',
  '/settings/privacy',
  '/settings/privacy?do=delete',
  '/nowhere',
];

/** Puts what there is into the holes of a path. */
export async function examples({ ask }) {
  const [[key], [request]] = await Promise.all(['/keys', '/requests'].map(async (path) => (await ask(path)).data));
  return (path) => path.replace('{key}', key.id).replace('{request}', request.id);
}

/** Waits until a screen has all of its data. */
export async function settled(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));
}
