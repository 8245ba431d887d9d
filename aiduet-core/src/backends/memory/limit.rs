//! Rate limits and concurrency of one process.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::id::RequestId;
use crate::limit::{Claim, LimitError, LimitKey, Quota, RateLimiter, Standing};

/// Fractions of a nanosecond in which time is counted, so that quotas that do not divide a
/// minute come out exact.
const FRACTION_BITS: u32 = 24;
/// Above so many counters the idle ones are looked for.
const SWEEP_FIRST: usize = 1_024;
/// Never more counters than this; beyond it, failed attempts are forgotten.
const COUNTERS_MAX: usize = 200_000;

/// Rate limits and concurrency of one process.
#[derive(Debug)]
pub struct MemoryLimiter {
    clock: Arc<dyn Clock>,
    counters: Mutex<Counters>,
    running: Mutex<HashMap<LimitKey, HashSet<RequestId>>>,
}

/// Theoretical arrival times: the moment at which a quota is whole again, per key.
#[derive(Debug)]
struct Counters {
    whole_at: HashMap<LimitKey, u128>,
    sweep_at: usize,
}

impl MemoryLimiter {
    /// A limiter with nothing taken.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let counters = Counters { whole_at: HashMap::new(), sweep_at: SWEEP_FIRST };
        Self { clock, counters: Mutex::new(counters), running: Mutex::default() }
    }

    /// How many counters are kept; idle ones are dropped from time to time.
    pub fn counters(&self) -> usize {
        lock(&self.counters).whole_at.len()
    }
}

impl Counters {
    fn sweep(&mut self, now: u128) {
        self.whole_at.retain(|_key, whole_at| *whole_at > now);
        if self.whole_at.len() > COUNTERS_MAX {
            self.whole_at
                .retain(|key, _whole_at| !matches!(key, LimitKey::AuthFailures(_) | LimitKey::Guard(..)));
        }
        self.sweep_at = self.whole_at.len().saturating_mul(2).clamp(SWEEP_FIRST, COUNTERS_MAX);
    }
}

/// The generic cell rate algorithm of ITU-T I.371 with the whole quota as burst: takes a claim
/// from a counter, or says how long to wait.
fn admit(claim: &Claim, whole_at: u128, now: u128) -> Result<u128, Duration> {
    let Claim { quota: Quota { units, period }, cost, .. } = *claim;
    let window = scaled(period);
    let wanted = window.saturating_mul(u128::from(cost)).checked_div(u128::from(units));
    let Some(wanted) = wanted.filter(|_wanted| cost <= units) else {
        return if cost == 0 { Ok(whole_at.max(now)) } else { Err(period) };
    };
    let after = whole_at.max(now).saturating_add(wanted);
    match after.saturating_sub(now).checked_sub(window) {
        None | Some(0) => Ok(after),
        // Asking for nothing is never refused.
        Some(_) if cost == 0 => Ok(after),
        Some(wait) => Err(unscaled_up(wait)),
    }
}

fn standing(claim: &Claim, whole_at: u128, now: u128) -> Standing {
    let Claim { key, quota: Quota { units, period }, .. } = *claim;
    let window = scaled(period);
    let taken = whole_at.saturating_sub(now);
    let free = window.saturating_sub(taken).saturating_mul(u128::from(units));
    let remaining = free.checked_div(window).and_then(|free| u64::try_from(free).ok()).unwrap_or(0);
    Standing { key, limit: units, remaining, reset_after: unscaled_up(taken) }
}

fn scaled(duration: Duration) -> u128 {
    duration.as_nanos() << FRACTION_BITS
}

fn unscaled_up(time: u128) -> Duration {
    let nanos = time.div_ceil(1 << FRACTION_BITS);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, claims: &[Claim]) -> Result<Vec<Standing>, LimitError> {
        let now = scaled(self.clock.monotonic());
        let mut counters = lock(&self.counters);
        let mut taken: Vec<(LimitKey, u128)> = Vec::with_capacity(claims.len());
        let mut standings = Vec::with_capacity(claims.len());
        for claim in claims {
            let earlier = taken.iter().rev().find(|(key, _whole_at)| *key == claim.key);
            let earlier = earlier.map(|(_key, whole_at)| *whole_at);
            let whole_at = earlier.or_else(|| counters.whole_at.get(&claim.key).copied()).unwrap_or(0);
            let whole_at = admit(claim, whole_at, now).map_err(|retry_after| LimitError::Exceeded {
                key: claim.key,
                limit: claim.quota.units,
                retry_after,
            })?;
            taken.push((claim.key, whole_at));
            standings.push(standing(claim, whole_at, now));
        }
        counters.whole_at.extend(taken.into_iter().filter(|(_key, whole_at)| *whole_at > now));
        if counters.whole_at.len() >= counters.sweep_at {
            counters.sweep(now);
        }
        Ok(standings)
    }

    async fn enter(&self, request: RequestId, limits: &[(LimitKey, u32)]) -> Result<(), LimitError> {
        let mut running = lock(&self.running);
        for (key, limit) in limits {
            let full = |requests: &HashSet<RequestId>| {
                !requests.contains(&request)
                    && requests.len() >= usize::try_from(*limit).unwrap_or(usize::MAX)
            };
            if running.get(key).map_or(*limit == 0, full) {
                return Err(LimitError::TooManyRunning { key: *key, limit: *limit });
            }
        }
        for (key, _limit) in limits {
            running.entry(*key).or_default().insert(request);
        }
        Ok(())
    }

    fn leave(&self, request: RequestId, keys: &[LimitKey]) {
        let mut running = lock(&self.running);
        for key in keys {
            if let Some(requests) = running.get_mut(key) {
                requests.remove(&request);
                if requests.is_empty() {
                    running.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::testing::Factory;
    use crate::testing::limit::FreshLimiter;

    fn limiter() -> (MemoryLimiter, Arc<ManualClock>) {
        let clock = Arc::clone(Factory::new(0).clock());
        (MemoryLimiter::new(Arc::<ManualClock>::clone(&clock)), clock)
    }

    async fn memory_limiter() -> Option<FreshLimiter<MemoryLimiter>> {
        let (limiter, clock) = limiter();
        let pass = move |time| {
            clock.advance(time);
            async {}
        };
        Some(FreshLimiter::new(limiter, pass))
    }

    crate::rate_limiter_conformance!(memory_limiter);

    fn failure(address: usize) -> [Claim; 1] {
        let key = LimitKey::AuthFailures(u128::try_from(address).unwrap());
        [Claim { key, quota: Quota::per_minute(30), cost: 1 }]
    }

    #[tokio::test]
    async fn idle_counters_are_dropped() {
        let (limiter, clock) = limiter();
        for address in 0..50 * SWEEP_FIRST {
            limiter.take(&failure(address)).await.unwrap();
            clock.advance(Duration::from_millis(10));
        }
        // A unit of thirty a minute is back after two seconds, in which 200 addresses fail.
        assert!(limiter.counters() <= 2 * SWEEP_FIRST, "{}", limiter.counters());
    }

    #[tokio::test]
    async fn a_flood_of_addresses_does_not_fill_the_memory() {
        let (limiter, _clock) = limiter();
        let key = Claim { key: LimitKey::KeyRequests(Factory::new(1).key_id()), ..failure(0)[0] };
        limiter.take(&[key]).await.unwrap();
        for address in 0..COUNTERS_MAX + 5_000 {
            limiter.take(&failure(address)).await.unwrap();
            assert!(limiter.counters() <= COUNTERS_MAX);
        }
        assert_eq!(limiter.take(&[Claim { cost: 0, ..key }]).await.unwrap()[0].remaining, 29);
    }

    #[tokio::test]
    async fn nobody_runs_and_nothing_is_kept() {
        let (limiter, _clock) = limiter();
        let factory = Factory::new(1);
        let (request, key) = (factory.request_id(), LimitKey::KeyConcurrency(factory.key_id()));
        limiter.enter(request, &[(key, 1)]).await.unwrap();
        limiter.leave(request, &[key]);
        assert!(lock(&limiter.running).is_empty());
    }
}
