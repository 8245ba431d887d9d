//! How often, and after which pause, a call is repeated at the same upstream.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What one repetition costs, in parts.
const REPEAT: u32 = 100;

/// How calls are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatConfig {
    /// Most repetitions of one request once there is nowhere else to go.
    pub repeats_max: u32,
    /// The longest first pause; twice as long each further time.
    pub pause: Duration,
    /// The longest pause of all, and the longest that a provider may ask for.
    pub pause_max: Duration,
    /// Repetitions that may be made at once, by all requests together.
    pub burst: u32,
    /// What each request adds to that number, in percent of a repetition: with 10, one of ten
    /// requests may be repeated in the long run.
    pub earned_percent: u32,
}

impl Default for RepeatConfig {
    fn default() -> Self {
        Self {
            repeats_max: 2,
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(2),
            burst: 20,
            earned_percent: 10,
        }
    }
}

/// A bucket of repetitions that all requests share, so that repeating never multiplies the load on
/// a provider that is in trouble.
#[derive(Debug)]
pub struct RepeatBudget {
    config: RepeatConfig,
    /// In parts of a repetition.
    left: AtomicU32,
}

impl RepeatBudget {
    /// A full bucket.
    pub const fn new(config: RepeatConfig) -> Self {
        Self { config, left: AtomicU32::new(config.burst.saturating_mul(REPEAT)) }
    }

    /// A request came.
    pub fn earn(&self) {
        let most = self.config.burst.saturating_mul(REPEAT);
        self.change(|left| Some(left.saturating_add(self.config.earned_percent).min(most)));
    }

    /// Takes a repetition, if there is one left.
    pub fn take(&self) -> bool {
        self.change(|left| left.checked_sub(REPEAT))
    }

    fn change(&self, to: impl Fn(u32) -> Option<u32>) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to).is_ok()
    }

    /// The pause before a repetition: at random up to twice as long each time, but not shorter than
    /// the provider asks. `None`: the provider asks for too much patience.
    pub fn pause(&self, repeats: u32, asked: Option<Duration>, chance: u64) -> Option<Duration> {
        let RepeatConfig { pause, pause_max, .. } = self.config;
        if asked.is_some_and(|asked| asked > pause_max) {
            return None;
        }
        let most = pause.saturating_mul(1 << repeats.min(16)).min(pause_max);
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let some = chance.checked_rem(millis.saturating_add(1)).unwrap_or_default();
        Some(Duration::from_millis(some).max(asked.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_empties_and_fills_with_requests() {
        let budget = RepeatBudget::new(RepeatConfig { burst: 2, ..RepeatConfig::default() });
        assert_eq!([(); 3].map(|()| budget.take()), [true, true, false]);
        for _ in 0..10 {
            assert!(!budget.take());
            budget.earn();
        }
        assert!(budget.take() && !budget.take());
        for _ in 0..100 {
            budget.earn();
        }
        assert_eq!([(); 3].map(|()| budget.take()), [true, true, false], "it does not overflow");
    }

    #[test]
    fn pauses_are_random_grow_and_are_bounded() {
        let budget = RepeatBudget::new(RepeatConfig::default());
        let millis = |repeats, asked, chance| budget.pause(repeats, asked, chance).map(|it| it.as_millis());
        assert_eq!([millis(0, None, 500), millis(0, None, 501)], [Some(500), Some(0)]);
        assert_eq!([millis(1, None, 1_000), millis(1, None, 1_001)], [Some(1_000), Some(0)]);
        assert_eq!([millis(9, None, 2_000), millis(60, None, 2_001)], [Some(2_000), Some(0)]);
        assert_eq!(millis(0, Some(Duration::from_secs(1)), 3), Some(1_000));
        assert_eq!(millis(0, Some(Duration::from_secs(3)), 3), None);
    }
}
