// What the cards of billing share.

/** To a page of the card company: over TLS, or on this machine in a demonstration. */
export function leaveFor(address: string): void {
  const { protocol, hostname, href } = new URL(address);
  if (protocol === 'https:' || (protocol === 'http:' && hostname === location.hostname)) location.assign(href);
}

/** Dollars above zero, with cents at most. */
export function isAmount(text: string): boolean {
  return /^\d{1,6}(\.\d{1,2})?$/.test(text.trim()) && Number(text) > 0;
}

/** As one would write it: without zeros at its end. */
export function plain(amount: string | null): string {
  return amount === null ? '' : amount.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}
