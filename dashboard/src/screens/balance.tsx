// The available balance, on every page.

import { useEffect } from 'preact/hooks';
import { api } from '../api';
import { t } from '../i18n';
import { Link, usePlace } from '../router';
import { session } from '../session';
import { store, useStore } from '../store';
import type { BalanceReport } from '../types';
import { Money } from '../ui/page';

export const balance = store<BalanceReport | null>(null);

// Another person's is not to be seen.
session.follow((next) => {
  if (!next) balance.set(null);
});

export async function loadBalance(): Promise<void> {
  const loaded = await api<BalanceReport>('/billing/balance').catch(() => null);
  if (loaded) balance.set(loaded);
}

/** Keeps it up to date: with every page that is gone to. */
export function useFreshBalance(): void {
  const { path } = usePlace();
  useEffect(() => void loadBalance(), [path]);
}

export function Balance() {
  const current = useStore(balance);
  if (!current) return null;
  return (
    <Link to="/billing" class="balance">
      <span>{t('billing.available')}</span> <strong>
        <Money of={current.available} />
      </strong>
    </Link>
  );
}
