// Dialogs: the browser's own, which keep the focus inside and give it back.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { Button } from './controls';
import { Icon } from './icons';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Stays until its own button is pressed: neither Escape nor a click outside closes it. */
  isSticky?: boolean;
  isWide?: boolean;
  /** At the side, for something of a list. */
  isDrawer?: boolean;
}

export function Dialog({ title, onClose, children, isSticky = false, isWide = false, isDrawer = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the next key is pressed, which is meant for it.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const own = dialog.current;
    own?.showModal();
    const first = own?.querySelector<HTMLElement>('input:not([tabindex="-1"]), textarea, select, .secret, footer button');
    first?.focus();
    return () => {
      // Nothing outside can be in focus while it is open.
      own?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const outside = (event: MouseEvent) => {
    if (event.target === dialog.current && !isSticky && isDrawer) onClose();
  };
  return (
    <dialog
      ref={dialog}
      class={`${isWide ? 'wide' : ''} ${isDrawer ? 'drawer' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isSticky) onClose();
      }}
      onKeyDown={(event) => {
        // A second Escape closes in spite of `cancel`.
        if (event.key === 'Escape' && isSticky) event.preventDefault();
        event.stopPropagation();
      }}
      onClick={outside}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          {!isSticky && (
            <button type="button" class="button quiet icon-only" aria-label={t('dialog.close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function DialogActions({ onClose, children }: { onClose: () => void; children: ComponentChildren }) {
  return (
    <footer>
      <Button onClick={onClose}>{t('dialog.cancel')}</Button>
      {children}
    </footer>
  );
}
