// Stacked bars over time: with a cursor for keyboard and pointer that says what is under it, and the
// same as a table.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Table, type Column } from '../ui/page';
import { dashes, Pattern, Swatch } from './patterns';

export interface Bucket {
  /** What stands below the bar. */
  label: string;
  /** What is said of the bar, such as its whole date. */
  title: string;
  /** One value for each series; `null` where there is none. */
  values: (number | null)[];
}

export interface Series {
  name: string;
  /** Drawn as this number of the palette and of the patterns, from 1. */
  colour: number;
  /** Whether it can be chosen in the legend; it can if nothing is said. */
  isChoice?: boolean;
}

interface Props {
  title: string;
  series: Series[];
  buckets: Bucket[];
  /** A value as text. */
  text: (value: number) => string;
  /** A value to its last digit. */
  exact: (value: number) => string;
  /** Lines instead of bars, for what does not add up. */
  isLine?: boolean;
  /** Not as high, and without the same as a table: where a table stands below it anyway. */
  isLow?: boolean;
  /** The sums of another period, bar by bar, as a dashed line. */
  before?: Before;
  onPick?: (index: number) => void;
  /** A series was chosen in the legend. */
  onSeries?: (index: number) => void;
}

export interface Before {
  name: string;
  values: (number | null)[];
}

const WIDTH_FIRST = 960;
const HEIGHT = 260;
const HEIGHT_LOW = 120;
const LEFT = 64;
const TOP = 12;
const BOTTOM = 28;
const LABEL_WIDTH = 84;
const BAR_MAX = 56;

/** The least round number that is not below: 1, 2, 2.5 or 5 times a power of ten. */
export function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= value * 0.999999) ?? 10;
  return step * power;
}

export function StackedBars({ onSeries, ...props }: Props) {
  const { series, before, isLine = false, isLow = false } = props;
  const [isTable, setTable] = useState(false);
  if (isLow) return <figure class="chart"><Drawing {...props} /></figure>;
  return (
    <figure class="chart">
      <figcaption>
        <ul class="legend">
          {series.map(({ name, colour, isChoice = true }, index) => (
            <li key={name}>
              <Swatch colour={colour} isLine={isLine} />
              {onSeries && isChoice ? (
                <button type="button" class="link" title={t('usage.filter_by', { name })} onClick={() => onSeries(index)}>
                  {name}
                </button>
              ) : (
                name
              )}
            </li>
          ))}
          {before && (
            <li>
              <i class="swatch dashed" aria-hidden="true" />
              {before.name}
            </li>
          )}
        </ul>
        <button type="button" class="button quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {t(isTable ? 'chart.as_chart' : 'chart.as_table')}
        </button>
      </figcaption>
      {isTable ? <AsTable {...props} /> : <Drawing {...props} />}
    </figure>
  );
}

type Shown = Omit<Props, 'onSeries'>;

function AsTable({ title, series, buckets, text, exact, before }: Shown) {
  const cell = (value: number | null | undefined) => (value == null ? '–' : <span title={exact(value)}>{text(value)}</span>);
  const columns: Column<Bucket>[] = [
    { name: 'time', title: t('chart.time'), cell: (bucket) => <span class="num">{bucket.title}</span> },
    ...series.map(({ name }, index) => ({
      name: `${index}`,
      title: name,
      isNumber: true,
      cell: (bucket: Bucket) => cell(bucket.values[index]),
    })),
    ...(before ? [{ name: 'before', title: before.name, isNumber: true, cell: (bucket: Bucket) => cell(before.values[buckets.indexOf(bucket)]) }] : []),
  ];
  return <Table label={title} columns={columns} rows={buckets} id={(bucket) => bucket.title} />;
}

function Drawing({ title, series, buckets, text, isLine = false, isLow = false, before, onPick }: Shown) {
  const high = isLow ? HEIGHT_LOW : HEIGHT;
  const inner = high - TOP - BOTTOM;
  const [cursor, setCursor] = useState<number | null>(null);
  const frame = useRef<SVGSVGElement>(null);
  const [wide, setWide] = useState(WIDTH_FIRST);
  // Drawn in the pixels that there are, so that its text keeps its size.
  useEffect(() => {
    if (!frame.current) return;
    const watch = new ResizeObserver(([entry]) => {
      const width = Math.round(entry?.contentRect.width ?? 0);
      if (width > 0) setWide(width);
    });
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  const id = useId();
  const total = (bucket: Bucket) => bucket.values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const highest = isLine ? Math.max(...buckets.flatMap(({ values }) => values.map((value) => value ?? 0)), 0) : Math.max(...buckets.map(total), 0);
  const top = ceiling(Math.max(highest, ...(before?.values ?? []).map((value) => value ?? 0)));
  const step = (wide - LEFT) / Math.max(1, buckets.length);
  const y = (value: number) => TOP + inner * (1 - value / top);
  const every = Math.max(1, Math.ceil(buckets.length / Math.max(1, Math.floor((wide - LEFT) / LABEL_WIDTH))));
  const at = cursor === null ? null : (buckets[cursor] ?? null);
  const move = (by: number) => setCursor(Math.min(buckets.length - 1, Math.max(0, cursor === null ? (by > 0 ? 0 : buckets.length - 1) : cursor + by)));
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowRight') move(1);
    else if (event.key === 'ArrowLeft') move(-1);
    else if (event.key === 'Home') setCursor(0);
    else if (event.key === 'End') setCursor(buckets.length - 1);
    else if (event.key === 'Enter' && cursor !== null && onPick) onPick(cursor);
    else if (event.key === 'Escape') setCursor(null);
    else return;
    event.preventDefault();
  };
  const point = (event: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    const x = ((event.clientX - box.left) / box.width) * wide - LEFT;
    setCursor(x < 0 ? null : Math.min(buckets.length - 1, Math.floor(x / step)));
  };
  const values = (bucket: Bucket) => series.flatMap(({ name }, index) => (bucket.values[index] == null ? [] : [`${name} ${text(bucket.values[index] ?? 0)}`]));
  const former = (index: number | null) => (before && index !== null && before.values[index] != null ? [`${before.name} ${text(before.values[index] ?? 0)}`] : []);
  const says = at ? [at.title, ...(isLine || series.length < 2 ? [] : [text(total(at))]), ...values(at), ...former(cursor)].join(', ') : '';
  return (
    <div class="drawing">
      <svg
        ref={frame}
        viewBox={`0 0 ${wide} ${high}`}
        role="img"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-help`}
        tabindex={0}
        onKeyDown={press}
        onPointerMove={point}
        onPointerLeave={() => setCursor(null)}
        onClick={() => cursor !== null && onPick?.(cursor)}
        class={onPick ? 'picks' : ''}
      >
        <title id={`${id}-title`}>{title}</title>
        {!isLine && (
          <defs>
            {series.map(({ colour }) => (
              <Pattern key={colour} id={`${id}-${colour}`} colour={colour} />
            ))}
          </defs>
        )}
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="rule" x1={LEFT} x2={wide} y1={y(top * share)} y2={y(top * share)} />
            <text class="scale" x={LEFT - 8} y={y(top * share)} dominant-baseline="middle" text-anchor="end">
              {share === 0 && !isLine ? '0' : text(top * share)}
            </text>
          </g>
        ))}
        {cursor !== null && <rect class="cursor" x={LEFT + cursor * step} y={TOP} width={step} height={inner} />}
        {isLine ? <Lines series={series} buckets={buckets} x={(index) => LEFT + (index + 0.5) * step} y={y} /> : buckets.map((bucket, index) => <Bar key={bucket.title} series={series} fill={(colour) => `url(#${id}-${colour})`} bucket={bucket} x={LEFT + index * step} width={step} y={y} />)}
        {before && <path class="line dashed" d={lineOf(before.values, (index) => LEFT + (index + 0.5) * step, y)} />}
        {buckets.map((bucket, index) =>
          index % every === 0 ? (
            <text key={bucket.title} class="scale" x={LEFT + (index + 0.5) * step} y={high - 8} text-anchor="middle">
              {bucket.label}
            </text>
          ) : null,
        )}
      </svg>
      <p class="unseen" id={`${id}-help`}>
        {t('chart.help')}
      </p>
      <p class="reading" aria-live="polite">
        {says || ' '}
      </p>
    </div>
  );
}

function Bar({ series, fill, bucket, x, width, y }: { series: Series[]; fill: (colour: number) => string; bucket: Bucket; x: number; width: number; y: (value: number) => number }) {
  const thick = Math.max(1, Math.min(width * 0.8, BAR_MAX));
  let below = 0;
  return (
    <g>
      {series.map(({ name, colour }, index) => {
        const value = bucket.values[index] ?? 0;
        const from = below;
        below += value;
        // Something is never drawn as nothing.
        const height = value > 0 ? Math.max(1, y(from) - y(below)) : 0;
        return <rect key={name} fill={fill(colour)} x={x + (width - thick) / 2} y={y(from) - height} width={thick} height={height} />;
      })}
    </g>
  );
}

/** A path through the values that there are. */
function lineOf(values: (number | null | undefined)[], x: (index: number) => number, y: (value: number) => number): string {
  let isDown = false;
  return values
    .map((value, place) => {
      if (value == null) {
        isDown = false;
        return '';
      }
      const command = isDown ? 'L' : 'M';
      isDown = true;
      return `${command}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join('');
}

function Lines({ series, buckets, x, y }: { series: Series[]; buckets: Bucket[]; x: (index: number) => number; y: (value: number) => number }) {
  return (
    <>
      {series.map(({ name, colour }, index) => {
        const path = lineOf(buckets.map(({ values }) => values[index]), x, y);
        const dots = buckets.map((bucket, place) => {
          const value = bucket.values[index];
          return value == null ? null : <circle key={place} class={`series-${colour}`} cx={x(place)} cy={y(value)} r="2.5" />;
        });
        return (
          <g key={name}>
            <path class={`line series-${colour}`} d={path} stroke-dasharray={dashes(colour)} />
            {dots}
          </g>
        );
      })}
    </>
  );
}
