// Google in the settings: linked since when, or the way to link it.

import { api } from '../api';
import { longDate } from '../format';
import { t } from '../i18n';
import { session } from '../session';
import { useStore } from '../store';
import type { Identity, Page as PageOf } from '../types';
import { Button } from '../ui/controls';
import { Failure, Loading, useLoad, useSending } from '../ui/load';
import { Card } from '../ui/page';
import { announce } from '../ui/toast';
import { GoogleLink, GoogleRefusal, useGoogle } from './google_start';

export function GoogleCard() {
  const isOn = useGoogle();
  const account = useStore(session)?.account;
  const identities = useLoad('identities', (signal) => api<PageOf<Identity>>('/me/identities', { signal }));
  const { run, isBusy, problem } = useSending();
  const isLinked = (identities.data?.data.length ?? 0) > 0;
  if (!account || (!isOn && !isLinked)) return null;
  const unlink = (id: string) =>
    run(async () => {
      await api(`/me/identities/${id}`, { method: 'DELETE' });
      announce(t('google.unlinked'), 'shown');
      identities.reload();
    });
  return (
    <Card title={t('google.title')} about={t('google.about')}>
      <GoogleRefusal />
      {problem && <Failure problem={problem} />}
      <Loading of={identities} lines={1}>
        {({ data }) => (
          <div class="narrow">
            {data.map((each) => (
              <p key={each.id} class="split">
                <span>{t('google.since', { date: longDate(each.created_at) })}</span>
                <Button busy={isBusy} onClick={() => unlink(each.id)}>
                  {t('google.unlink')}
                </Button>
              </p>
            ))}
            {data.length === 0 && <GoogleLink wish={{ link: true, return_to: '/settings/security' }}>{t('google.link')}</GoogleLink>}
          </div>
        )}
      </Loading>
    </Card>
  );
}
