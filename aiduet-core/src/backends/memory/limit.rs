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
/// Never more counters than this; beyond it, addresses with failed authentications are forgotten.
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
            self.whole_at.retain(|key, _whole_at| !matches!(key, LimitKey::AuthFailures(_)));
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
