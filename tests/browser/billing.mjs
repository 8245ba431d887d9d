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

/** To the page of the card company, whose address is the only other one that may be gone to. */
export async function checkOut(page, context, amount) {
  let topUp;
  await page.route('**/api/v1/billing/topups', async (route) => {
    const response = await route.fetch();
    topUp = await response.json();
    context.company = new URL(topUp.checkout_url).origin;
    await route.fulfill({ response });
  });
  await page.getByRole('radio', { name: amount, exact: true }).check({ force: true });
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  return topUp;
}
