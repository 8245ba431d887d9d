// How series look: each has a colour of the palette, and a pattern or dashes, so that nobody needs the
// colours to tell them apart.

import { useId } from 'preact/hooks';

/** The side of a tile. */
const SIDE = 6;
/** Strokes upon the colour, from that of series 1 on; each differs from all others. */
const STROKES = ['', 'M-1 1L1-1M0 6L6 0M5 7L7 5', 'M1 1.5h1.5M4 4.5h1.5', 'M-1 5L1 7M0 0L6 6M5-1L7 1', 'M0 3h6', 'M0 3h6M3 0v6', 'M3 0v6'];
/** Where they are lines. */
const DASHES = ['', '6 4', '2 3', '10 4 2 4', '14 5', '6 3 2 3 2 3', '2 6'];

export function dashes(colour: number): string {
  return DASHES[colour - 1] ?? '';
}

/** What bars of a series are filled with, as `url(#…)`. */
export function Pattern({ id, colour }: { id: string; colour: number }) {
  return (
    <pattern id={id} width={SIDE} height={SIDE} patternUnits="userSpaceOnUse">
      <rect class={`series-${colour}`} width={SIDE} height={SIDE} />
      <path class="hatch" d={STROKES[colour - 1] ?? ''} />
    </pattern>
  );
}

/** The look of a series in a legend. */
export function Swatch({ colour, isLine }: { colour: number; isLine: boolean }) {
  const id = useId();
  return (
    <svg class="swatch" width={isLine ? 24 : 15} height="12" aria-hidden="true">
      {isLine ? (
        <path class={`line series-${colour}`} d="M0 6h24" stroke-dasharray={dashes(colour)} />
      ) : (
        <>
          <Pattern id={id} colour={colour} />
          <rect width="15" height="12" rx="3" fill={`url(#${id})`} />
        </>
      )}
    </svg>
  );
}
