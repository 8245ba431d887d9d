// Line icons, 20 by 20, drawn for this page.

const PATHS = {
  overview: 'M3 9.5 10 3.5l7 6M5 8v8.5h10V8M8.5 16.5v-4h3v4',
  usage: 'M3.5 16.5h13M6 13.5v-3M10 13.5v-8M14 13.5v-5',
  requests: 'M4 5.5h12M4 10h12M4 14.5h8',
  keys: 'M12.5 3.5a4 4 0 1 1-3.1 6.5L4 15.5v1h2.5v-2h2v-2h1.2M13.5 7h.01',
  models: 'M10 3l6 3.5v7L10 17l-6-3.5v-7zM4 6.5l6 3.5 6-3.5M10 10v7',
  billing: 'M3 6.5h14v9H3zM3 9.5h14M6 12.75h3',
  quickstart: 'M11 3 5 11h4.5L9 17l6-8h-4.5z',
  duet: 'M8.2 4.5a6 6 0 1 0 0 11 9 9 0 0 1 0-11zM11.8 4.5a6 6 0 1 1 0 11 9 9 0 0 0 0-11z',
  settings: 'M4 6h6M14 6h2M4 14h2M10 14h6M12 4v4M8 12v4',
  docs: 'M5 3.5h7l3 3v10H5zM12 3.5v3h3M7.5 10h5M7.5 13h5',
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h13',
  close: 'M5 5l10 10M15 5 5 15',
  copy: 'M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z',
  check: 'M4 10.5 8 14.5 16 5.5',
  eye: 'M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5-7.5-5-7.5-5zM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  alert: 'M10 3.5 17.5 16h-15zM10 8.5v3.5M10 14h.01',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.5v4M10 6.5h.01',
  down: 'M5 7.5l5 5 5-5',
  right: 'M7.5 5l5 5-5 5',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4',
  plus: 'M10 4v12M4 10h12',
  out: 'M8 4H4v12h4M12 6.5 15.5 10 12 13.5M15.5 10H8',
  globe: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3 10h14M10 3c2.5 2 2.5 12 0 14M10 3c-2.5 2-2.5 12 0 14',
  theme: 'M10 16.5a6.5 6.5 0 1 0 0-13zM10 3.5a6.5 6.5 0 0 0 0 13',
  download: 'M10 3.5v9M6.5 9.5 10 13l3.5-3.5M4 16.5h12',
  mail: 'M3 5h14v10H3zM3 6l7 5 7-5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Google's sign, in the colours that its owner asks for. */
export function GoogleMark() {
  return (
    <svg class="google-mark" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <path fill="#ea4335" d="M24 9.5c3.54 0 6.71 1.22 9.21 3.6l6.85-6.85C35.9 2.38 30.47 0 24 0 14.62 0 6.51 5.38 2.56 13.22l7.98 6.19C12.43 13.72 17.74 9.5 24 9.5z" />
      <path fill="#4285f4" d="M46.98 24.55c0-1.57-.15-3.09-.38-4.55H24v9.02h12.94c-.58 2.96-2.26 5.48-4.78 7.18l7.73 6c4.51-4.18 7.09-10.36 7.09-17.65z" />
      <path fill="#fbbc05" d="M10.53 28.59c-.48-1.45-.76-2.99-.76-4.59s.27-3.14.76-4.59l-7.98-6.19C.92 16.46 0 20.12 0 24c0 3.88.92 7.54 2.56 10.78l7.97-6.19z" />
      <path fill="#34a853" d="M24 48c6.48 0 11.93-2.13 15.89-5.81l-7.73-6c-2.15 1.45-4.92 2.3-8.16 2.3-6.26 0-11.57-4.22-13.47-9.91l-7.98 6.19C6.51 42.62 14.62 48 24 48z" />
    </svg>
  );
}

/** The sign of the product: two voices and what they share. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle class="mark-one" cx="12" cy="16" r="9" />
      <circle class="mark-two" cx="20" cy="16" r="9" />
      <path class="mark-both" d="M16 7.94a9 9 0 0 1 0 16.12 9 9 0 0 1 0-16.12z" />
    </svg>
  );
}
