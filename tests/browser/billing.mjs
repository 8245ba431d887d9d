// What tests of the page of billing share.

import { settled } from './screens.mjs';

/** Does something on the page of billing, as the person who is signed in. */
export function onBilling({ signedIn }, work) {
  return signedIn(async (page, context) => {
    await page.goto('/dashboard/billing');
    await settled(page);
    await work(page, context);
  });
}

/** Lets the page go to the card company, whose address is the only other one that may be gone to; tells
 * the purchase once it is begun. */
export async function admitCompany(page, context) {
  const begun = {};
  await page.route('**/api/v1/billing/topups', async (route) => {
    const response = await route.fetch();
    begun.topUp = await response.json();
    context.company = new URL(begun.topUp.checkout_url).origin;
    await route.fulfill({ response });
  });
  return begun;
}

/** To the page of the card company, with the purchase that it is about. */
export async function checkOut(page, context, amount) {
  const begun = await admitCompany(page, context);
  await page.getByRole('radio', { name: amount, exact: true }).check({ force: true });
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  return begun.topUp;
}
