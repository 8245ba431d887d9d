// What a person has agreed to, and what is new in it.

import { useEffect } from 'preact/hooks';
import { api } from '../api';
import { longDate } from '../format';
import { locale, t, type Key } from '../i18n';
import { session } from '../session';
import { store, useStore } from '../store';
import type { Consents, PolicyText, PolicyVersion } from '../types';
import { Button } from '../ui/controls';
import { Loading, Notice, useLoad, useSending } from '../ui/load';
import { Card, Table, Time, type Column } from '../ui/page';
import { policyAddress } from './entries';

/** Shared by the notice on every page and the list in the settings. */
const consents = store<Consents | null>(null);

// Another person's are not to be seen.
session.follow((next) => {
  if (!next) consents.set(null);
});

async function loadConsents(signal?: AbortSignal): Promise<Consents> {
  const loaded = await api<Consents>('/me/consents', signal ? { signal } : {});
  consents.set(loaded);
  return loaded;
}

const NAMES: Record<PolicyVersion['kind'], Key> = { privacy: 'policy.privacy', terms: 'policy.terms' };

function name({ kind }: Pick<PolicyVersion, 'kind'>): string {
  return t(NAMES[kind]);
}

/** On every page while there is a newer version of what the person has agreed to. */
export function PolicyNotice() {
  const current = useStore(consents);
  useEffect(() => {
    loadConsents().catch(() => undefined);
  }, []);
  return (
    <>
      {current?.outstanding
        .filter(({ kind }) => current.data.some((agreed) => agreed.kind === kind))
        .map((policy) => (
          <Outstanding key={`${policy.kind} ${policy.version}`} of={policy} />
        ))}
    </>
  );
}

function Outstanding({ of: policy }: { of: PolicyVersion }) {
  const spoken = useStore(locale);
  const text = useLoad(`policy ${policy.kind} ${policy.version} ${spoken}`, (signal) => api<PolicyText>(`/policies/${policy.kind}/${policy.version}`, { query: { locale: spoken }, signal }));
  const { run, isBusy, problem } = useSending();
  const agree = () =>
    run(async () => {
      await api('/me/consents', { method: 'POST', body: { kind: policy.kind, version: policy.version, locale: spoken } });
      await loadConsents();
    });
  return (
    <Notice
      action={
        <Button kind="primary" busy={isBusy} onClick={agree}>
          {t('policy.agree')}
        </Button>
      }
    >
      <p>
        <strong>{t('policy.new', { name: name(policy), date: longDate(policy.effective_from) })}</strong> {text.data?.summary}
      </p>
      {problem && <p>{problem.message}</p>}
      <p>
        <a href={policyAddress(policy)}>{t('policy.read')}</a>
      </p>
    </Notice>
  );
}

export function ConsentsCard() {
  const loaded = useLoad('consents', loadConsents);
  const shared = useStore(consents);
  if (loaded.error?.status === 404) return null;
  const columns: Column<Consents['data'][number]>[] = [
    { name: 'policy', title: t('policy.policy'), cell: (each) => <a href={policyAddress(each)}>{name(each)}</a> },
    { name: 'version', title: t('policy.version'), cell: (each) => <span class="num">{each.version}</span> },
    { name: 'at', title: t('policy.agreed_at'), cell: (each) => <Time at={each.accepted_at} /> },
  ];
  return (
    <Card title={t('policy.title')} about={t('policy.about')}>
      <Loading of={loaded} lines={2}>
        {(data) => {
          const rows = (shared ?? data).data;
          if (rows.length === 0) return <p>{t('policy.none')}</p>;
          return <Table label={t('policy.title')} columns={columns} rows={rows} id={(each) => `${each.kind} ${each.version}`} />;
        }}
      </Loading>
    </Card>
  );
}
