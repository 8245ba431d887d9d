// Short words at the edge, read aloud. Never the only place of an error.

import { useEffect, useState } from 'preact/hooks';
import { store, useStore } from '../store';

interface Said {
  text: string;
  isShown: boolean;
  number: number;
}

const said = store<Said>({ text: '', isShown: false, number: 0 });
const LIFE_MS = 6_000;

export function announce(text: string, how: 'spoken' | 'shown' = 'spoken'): void {
  said.set({ text, isShown: how === 'shown', number: said.get().number + 1 });
}

export function Toasts() {
  const { text, isShown, number } = useStore(said);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (!text || isHeld) return;
    const timer = setTimeout(() => said.set({ text: '', isShown: false, number: number + 1 }), LIFE_MS);
    return () => clearTimeout(timer);
  }, [text, number, isHeld]);
  return (
    // It stays while the pointer is on it.
    <div role="status" class={text && isShown ? 'toast' : 'unseen'} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)}>
      {text}
    </div>
  );
}
