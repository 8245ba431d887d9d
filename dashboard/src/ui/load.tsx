// Loading: what was there stays while newer data comes; a skeleton the first time; when the network
// is gone or the server is busy, another try by itself.

import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Cancelled, Problem } from '../api';
import { minute } from '../format';
import { t } from '../i18n';
import { Button, CopyButton } from './controls';
import { Icon } from './icons';

export interface Loaded<T> {
  data: T | null;
  error: Problem | null;
  isLoading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

const RETRY_MAX_MS = 30_000;
const COUNTED_MAX_SECONDS = 120;

/** How long to wait before it is tried again without being asked for: longer each time while nothing
 * is reached, and as long as the server says where that is short. */
function untilRetry(problem: Problem, failures: number): number | null {
  if (problem.isOffline) return Math.min(1_000 * 2 ** failures, RETRY_MAX_MS);
  const asked = problem.status === 429 ? (problem.retryAfter ?? Infinity) * 1_000 : Infinity;
  return asked <= RETRY_MAX_MS ? asked : null;
}

/** Loads again whenever `name` changes. */
export function useLoad<T>(name: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const [isLoading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const failures = useRef(0);
  const work = useRef(load);
  work.current = load;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setLoading(true);
    work.current(stop.signal).then(
      (loaded) => {
        if (stop.signal.aborted) return;
        failures.current = 0;
        setData(loaded);
        setError(null);
        setLoading(false);
      },
      (wrong: unknown) => {
        if (stop.signal.aborted || wrong instanceof Cancelled) return;
        const problem = wrong instanceof Problem ? wrong : new Problem(0, 'unknown', String(wrong));
        setError(problem);
        setLoading(false);
        const wait = untilRetry(problem, failures.current);
        if (wait === null) return;
        failures.current += 1;
        timer = setTimeout(() => setRound((before) => before + 1), wait);
      },
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [name, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, isLoading, reload, set: setData };
}

/** The data, or what stands in for it. */
export function Loading<T>({ of, children, lines = 6 }: { of: Loaded<T>; children: (data: T) => ComponentChildren; lines?: number }) {
  if (of.data !== null) {
    return (
      <>
        {of.error && <Failure problem={of.error} onRetry={of.reload} isPartial />}
        <div class={of.isLoading ? 'stale' : ''} aria-busy={of.isLoading}>
          {children(of.data)}
        </div>
      </>
    );
  }
  if (of.error) return <Failure problem={of.error} onRetry={of.reload} />;
  return <Skeleton lines={lines} />;
}

export function Skeleton({ lines }: { lines: number }) {
  return (
    <div class="skeleton" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

/** What to say of a problem: the words of the server, or our own when it was not reached. */
export function words(problem: Problem): string {
  if (problem.isOffline) return t('state.offline');
  if (problem.retryAfter && problem.status === 429) return untilWhen(problem.retryAfter);
  return problem.message || t('state.failed');
}

/** A short wait in seconds, a long one by the time at its end. */
function untilWhen(seconds: number): string {
  if (seconds <= COUNTED_MAX_SECONDS) return t('state.throttled', { seconds });
  return t('state.throttled_until', { time: minute(new Date(Date.now() + seconds * 1_000)) });
}

export function Failure({ problem, onRetry, isPartial = false }: { problem: Problem; onRetry?: () => void; isPartial?: boolean }) {
  return (
    <div class="notice bad" role="alert">
      <Icon name="alert" />
      <div>
        <p>
          {words(problem)}
          {isPartial && ` ${t('state.older')}`}
        </p>
        {problem.requestId && (
          <p class="hint">
            {t('state.request_id')} <code>{problem.requestId}</code> <CopyButton text={problem.requestId} quiet label={t('copy.request_id')} />
          </p>
        )}
      </div>
      {onRetry && <Button onClick={onRetry}>{t('state.retry')}</Button>}
    </div>
  );
}

export function Notice({ tone = 'info', children, action }: { tone?: 'info' | 'good' | 'warn' | 'bad'; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`}>
      <Icon name={tone === 'good' ? 'check' : tone === 'info' ? 'info' : 'alert'} />
      <div>{children}</div>
      {action}
    </div>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** The state of a form that is sent: what is wrong, and the words for each field. */
export function useSending() {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const run = async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
      return true;
    } catch (wrong) {
      if (wrong instanceof Problem) setProblem(wrong);
      else if (!(wrong instanceof Cancelled)) setProblem(new Problem(0, 'unknown', String(wrong)));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const fault = (pointer: string) => problem?.faults.find((each) => each.pointer.startsWith(pointer))?.detail;
  /** What no field of the form shows. */
  const rest = problem && problem.faults.length === 0 ? problem : null;
  return { run, isBusy, problem, setProblem, fault, rest };
}
