// Every screen at the width of a phone: see walk.mjs.

import { WIDTHS } from './axe.mjs';
import { walk } from './walk.mjs';

walk(WIDTHS[0]);
