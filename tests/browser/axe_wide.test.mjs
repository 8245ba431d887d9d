// Every screen at the width of a desk: see walk.mjs.

import { WIDTHS } from './axe.mjs';
import { walk } from './walk.mjs';

walk(WIDTHS[1]);
