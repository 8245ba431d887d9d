// What the cards of billing share.

import { t } from '../i18n';
import { typed, written } from '../numbers';

/** To a page of the card company: over TLS, or on this machine in a demonstration. */
export function leaveFor(address: string): void {
  const { protocol, hostname, href } = new URL(address);
  if (protocol === 'https:' || (protocol === 'http:' && hostname === location.hostname)) location.assign(href);
}

/** Whether dollars above zero were typed, with cents at most. */
export function isAmount(text: string): boolean {
  const amount = typed(text);
  return /^\d{1,6}(\.\d{1,2})?$/.test(amount) && Number(amount) > 0;
}

/** What is said of an amount that is none. */
export function amountWrong(): string {
  return t('form.amount_wrong', { cents: written('0.50') });
}

/** As one would write it: without zeros at its end. */
export function plain(amount: string | null): string {
  return amount === null ? '' : written(amount.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''));
}
