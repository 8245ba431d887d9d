// The key that was made last, for the first call. In memory only: it is gone with the page.

import { session } from './session';
import { store } from './store';

export interface KeyInHand {
  id: string;
  name: string;
  text: string;
}

export const keyInHand = store<KeyInHand | null>(null);

// It ends with the session.
session.follow((next) => {
  if (!next) keyInHand.set(null);
});
