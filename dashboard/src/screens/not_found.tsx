import { t } from '../i18n';
import { Link } from '../router';
import { Empty } from '../ui/load';
import { Page } from '../ui/page';

export function NotFound() {
  return (
    <Page title={t('not_found.title')}>
      <Empty title={t('not_found.about')} action={<Link class="button primary" to="/">{t('entry.to_overview')}</Link>} />
    </Page>
  );
}
