// Parts of pages.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { exactMoney, exactTime, minute, money, relative, second } from '../format';
import { t } from '../i18n';

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · AI Duet`;
  }, [title]);
}

export function Page({ title, about, actions, children }: { title: string; about?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
  usePageTitle(title);
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <>
      <header class="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {about && <p class="about">{about}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Card({ title, about, actions, children, tone }: { title?: string; about?: ComponentChildren; actions?: ComponentChildren; children?: ComponentChildren; tone?: 'danger' }) {
  return (
    <section class={`card ${tone ?? ''}`}>
      {(title || actions) && (
        <header class="card-head">
          <div>
            {title && <h2>{title}</h2>}
            {about && <p class="about">{about}</p>}
          </div>
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export function Money({ of: amount }: { of: string | bigint }) {
  return (
    <span class="num" title={exactMoney(amount)}>
      {money(amount)}
    </span>
  );
}

export function Time({ at, form = 'minute' }: { at: string; form?: 'minute' | 'second' | 'relative' }) {
  const text = form === 'relative' ? relative(at) : form === 'second' ? second(at) : minute(at);
  return (
    <time dateTime={at} title={exactTime(at)} class={form === 'relative' ? '' : 'num'}>
      {text}
    </time>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'accent';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}

export interface Column<T> {
  name: string;
  /** In the head of the table; read aloud only when `isUnseen`. */
  title: string;
  isNumber?: boolean;
  isUnseen?: boolean;
  cell: (row: T) => ComponentChildren;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  onOpen?: (row: T) => void;
  total?: ComponentChildren;
  sort?: { by: string; isDown: boolean; onSort: (by: string) => void; columns: readonly string[] };
}

/** A table that scrolls within itself, and becomes a list of cards on a phone. Roles are named, since
 * a table that is laid out as something else loses them. */
export function Table<T>({ label, columns, rows, id, onOpen, total, sort }: TableProps<T>) {
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={label}>
      <table role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => {
              const isSorted = sort?.by === column.name;
              const order = isSorted ? (sort?.isDown ? 'descending' : 'ascending') : undefined;
              const title = column.isUnseen ? <span class="unseen">{column.title}</span> : column.title;
              return (
                <th key={column.name} role="columnheader" scope="col" class={column.isNumber ? 'right' : ''} {...(order ? { 'aria-sort': order } : {})}>
                  {sort?.columns.includes(column.name) ? (
                    <button type="button" class="sort" onClick={() => sort.onSort(column.name)}>
                      {title}
                      <span aria-hidden="true">{isSorted ? (sort.isDown ? ' ↓' : ' ↑') : ''}</span>
                    </button>
                  ) : (
                    title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={id(row)} role="row" class={onOpen ? 'opens' : ''} onClick={onOpen && ((event) => ownClick(event) && onOpen(row))}>
              {columns.map((column) => (
                <td key={column.name} role="cell" class={column.isNumber ? 'right' : ''} {...(column.isUnseen ? {} : { 'data-title': column.title })}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {total && <tfoot role="rowgroup">{total}</tfoot>}
      </table>
    </div>
  );
}

/** Not a click on a control within the row, and not the end of a selection. */
function ownClick(event: MouseEvent): boolean {
  const isControl = event.target instanceof Element && event.target.closest('a, button, input, label, select');
  return !isControl && getSelection()?.toString() === '';
}

/** Pairs of a name and a value. */
export function Facts({ of }: { of: (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Pager({ hasNewer, hasOlder, onNewer, onOlder }: { hasNewer: boolean; hasOlder: boolean; onNewer: () => void; onOlder: () => void }) {
  if (!hasNewer && !hasOlder) return null;
  return (
    <nav class="pager" aria-label={t('pager.label')}>
      <button type="button" class="button plain" disabled={!hasNewer} onClick={onNewer}>
        {t('pager.newer')}
      </button>
      <button type="button" class="button plain" disabled={!hasOlder} onClick={onOlder}>
        {t('pager.older')}
      </button>
    </nav>
  );
}
