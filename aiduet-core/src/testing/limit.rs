//! What every rate limiter must do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use super::Factory;
use crate::limit::{Claim, LimitError, LimitKey, Quota, RateLimiter, Standing};

type PassTime = Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// A limiter with nothing taken, and how time passes for it.
pub struct FreshLimiter<R> {
    limiter: Arc<R>,
    pass: PassTime,
}

impl<R: RateLimiter> fmt::Debug for FreshLimiter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshLimiter").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

impl<R: RateLimiter> FreshLimiter<R> {
    /// A limiter with nothing taken, and how time passes for it.
    pub fn new<F>(limiter: R, pass: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { limiter: Arc::new(limiter), pass: Box::new(move |time| Box::pin(pass(time))) }
    }

    /// The limiter.
    pub const fn limiter(&self) -> &Arc<R> {
        &self.limiter
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        (self.pass)(time).await;
    }

    async fn take(&self, claims: &[Claim]) -> Result<Vec<Standing>, LimitError> {
        self.limiter.take(claims).await
    }

    /// How many units are left, without taking any.
    async fn left(&self, claim: Claim) -> u64 {
        let asked = self.take(&[Claim { cost: 0, ..claim }]).await.expect("asking is never refused");
        asked[0].remaining
    }
}

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<FreshLimiter<R>>` that makes a limiter with nothing
/// taken; `None` skips the case, after the function has printed why. The tests run on
/// `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use aiduet_core::backends::memory::MemoryLimiter;
/// use aiduet_core::clock::ManualClock;
/// use aiduet_core::testing::Factory;
/// use aiduet_core::testing::limit::FreshLimiter;
///
/// async fn my_limiter() -> Option<FreshLimiter<MemoryLimiter>> {
///     let clock = Arc::clone(Factory::new(0).clock());
///     let limiter = MemoryLimiter::new(Arc::<ManualClock>::clone(&clock));
///     let pass = move |time| {
///         clock.advance(time);
///         async {}
///     };
///     Some(FreshLimiter::new(limiter, pass))
/// }
///
/// aiduet_core::rate_limiter_conformance!(my_limiter);
/// ```
#[macro_export]
macro_rules! rate_limiter_conformance {
    ($new_limiter:path) => {
        $crate::rate_limiter_conformance! {
            @cases $new_limiter:
            the_whole_quota_may_be_taken_at_once
            units_come_back_evenly
            a_refusal_names_the_time_after_which_the_claim_fits
            asking_takes_nothing
            all_claims_are_taken_or_none
            several_claims_on_one_quota_add_up
            a_claim_above_the_quota_is_never_granted
            quotas_are_kept_apart
            many_tasks_take_no_more_than_the_quota
            a_limit_of_running_requests_holds
            a_request_enters_all_limits_or_none
            entering_and_leaving_again_changes_nothing
            many_tasks_never_run_more_than_the_limit
        }
    };
    (@cases $new_limiter:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(fresh) = $new_limiter().await {
                    $crate::testing::limit::$case(&fresh).await;
                }
            }
        )+
    };
}

fn claim(units: u64) -> Claim {
    let key = LimitKey::KeyRequests(Factory::new(1).key_id());
    Claim { key, quota: Quota::per_minute(units), cost: 1 }
}

const fn costing(claim: Claim, cost: u64) -> Claim {
    Claim { cost, ..claim }
}

fn refused_after<T: fmt::Debug>(result: Result<T, LimitError>) -> Duration {
    match result {
        Err(LimitError::Exceeded { retry_after, .. }) => retry_after,
        other => {
            let refused = matches!(other, Err(LimitError::Exceeded { .. }));
            assert!(refused, "{other:?}");
            Duration::ZERO
        }
    }
}

/// The burst is the quota, whether or not it divides a minute.
pub async fn the_whole_quota_may_be_taken_at_once<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    for units in [1, 7, 60, 1_000] {
        let key = LimitKey::KeyTokens(factory.key_id());
        let whole = Claim { key, ..claim(units) };
        for left in (0..units.min(60)).rev() {
            let standing = fresh.take(&[whole]).await.expect("the quota covers it")[0];
            let left = if units > 60 { units - (60 - left) } else { left };
            assert_eq!((standing.key, standing.limit, standing.remaining), (key, units, left));
        }
        let rest = fresh.left(whole).await;
        if rest > 0 {
            fresh.take(&[costing(whole, rest)]).await.expect("the quota covers it");
        }
        refused_after(fresh.take(&[whole]).await);
    }
}

/// A used-up quota is whole after its period, and in proportion before.
pub async fn units_come_back_evenly<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let claim = claim(60);
    let taken = fresh.take(&[costing(claim, 60)]).await.expect("the quota covers it")[0];
    assert_eq!((taken.remaining, taken.reset_after), (0, Duration::from_mins(1)));
    fresh.pass(Duration::from_secs(10)).await;
    assert_eq!(fresh.left(claim).await, 10);
    fresh.take(&[costing(claim, 10)]).await.expect("ten seconds brought ten units");
    refused_after(fresh.take(&[claim]).await);
    fresh.pass(Duration::from_mins(1)).await;
    assert_eq!(fresh.left(claim).await, 60);
    fresh.pass(Duration::from_hours(1)).await;
    assert_eq!(fresh.left(claim).await, 60, "no more than the quota is saved up");
}

/// Not a moment earlier is promised, and it holds.
pub async fn a_refusal_names_the_time_after_which_the_claim_fits<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let claim = claim(60);
    fresh.take(&[costing(claim, 60)]).await.expect("the quota covers it");
    for cost in [1, 15, 60] {
        let wait = refused_after(fresh.take(&[costing(claim, cost)]).await);
        assert_eq!(wait, Duration::from_secs(cost));
        fresh.pass(wait).await;
        fresh.take(&[costing(claim, cost)]).await.expect("the named time has passed");
    }
}

/// A cost of zero is a question, and always answered.
pub async fn asking_takes_nothing<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let claim = claim(2);
    for _ in 0..5 {
        assert_eq!(fresh.left(claim).await, 2);
    }
    fresh.take(&[costing(claim, 2)]).await.expect("the quota covers it");
    assert_eq!(fresh.left(claim).await, 0);
    let nothing = Claim { quota: Quota::per_minute(0), ..claim };
    assert_eq!(fresh.left(nothing).await, 0);
}

/// What is refused has taken nothing elsewhere.
pub async fn all_claims_are_taken_or_none<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let requests = claim(10);
    let LimitKey::KeyRequests(key) = requests.key else { return };
    let tokens = Claim { key: LimitKey::KeyTokens(key), quota: Quota::per_minute(100), cost: 60 };
    fresh.take(&[requests, tokens]).await.expect("the quotas cover it");
    let refused = fresh.take(&[requests, tokens]).await;
    assert!(matches!(refused, Err(LimitError::Exceeded { key, limit: 100, .. }) if key == tokens.key));
    assert_eq!((fresh.left(requests).await, fresh.left(tokens).await), (9, 40));
}

/// Two claims on one quota see each other.
pub async fn several_claims_on_one_quota_add_up<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let claim = claim(10);
    refused_after(fresh.take(&[costing(claim, 6), costing(claim, 5)]).await);
    assert_eq!(fresh.left(claim).await, 10);
    let standings = fresh.take(&[costing(claim, 6), costing(claim, 4)]).await.expect("the quota covers it");
    assert_eq!(standings.iter().map(|standing| standing.remaining).collect::<Vec<_>>(), [4, 0]);
}

/// However long one waits.
pub async fn a_claim_above_the_quota_is_never_granted<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let claim = claim(10);
    for cost in [11, u64::MAX] {
        refused_after(fresh.take(&[costing(claim, cost)]).await);
        fresh.pass(Duration::from_hours(1)).await;
    }
    refused_after(fresh.take(&[Claim { quota: Quota::per_minute(0), ..claim }]).await);
    assert_eq!(fresh.left(claim).await, 10);
    let largest = Claim { quota: Quota::per_minute(u64::MAX), ..claim };
    fresh.take(&[largest]).await.expect("the largest quota covers it");
}

/// One key's use does not limit another's.
pub async fn quotas_are_kept_apart<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    let (account, key) = (factory.account_id(), factory.key_id());
    for key in [
        LimitKey::KeyRequests(key),
        LimitKey::KeyRequests(factory.key_id()),
        LimitKey::KeyTokens(key),
        LimitKey::KeyConcurrency(key),
        LimitKey::AccountConcurrency(account),
        LimitKey::AuthFailures(1),
        LimitKey::AuthFailures(2),
    ] {
        fresh.take(&[Claim { key, ..claim(1) }]).await.expect("this quota is whole");
    }
}

/// Who comes first does not matter.
pub async fn many_tasks_take_no_more_than_the_quota<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let limiter = Arc::clone(&fresh.limiter);
        tasks.spawn(async move {
            let mut taken = 0;
            for _ in 0..8 {
                taken += u32::from(limiter.take(&[claim(100)]).await.is_ok());
            }
            taken
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 100);
}

/// One in, one out.
pub async fn a_limit_of_running_requests_holds<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    let limits = [(LimitKey::KeyConcurrency(factory.key_id()), 2)];
    let requests = [factory.request_id(), factory.request_id(), factory.request_id()];
    for request in &requests[..2] {
        fresh.limiter.enter(*request, &limits).await.expect("there is a place");
    }
    let refused = fresh.limiter.enter(requests[2], &limits).await;
    assert!(matches!(refused, Err(LimitError::TooManyRunning { key, limit: 2 }) if key == limits[0].0));
    fresh.limiter.leave(requests[0], &[limits[0].0]);
    fresh.limiter.enter(requests[2], &limits).await.expect("there is a place again");
    let none = [(LimitKey::KeyConcurrency(factory.key_id()), 0)];
    assert!(fresh.limiter.enter(requests[0], &none).await.is_err());
}

/// What is refused is counted nowhere.
pub async fn a_request_enters_all_limits_or_none<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    let account = (LimitKey::AccountConcurrency(factory.account_id()), 2);
    let key = (LimitKey::KeyConcurrency(factory.key_id()), 1);
    let [first, second, third] = [factory.request_id(), factory.request_id(), factory.request_id()];
    fresh.limiter.enter(first, &[account, key]).await.expect("there is a place");
    assert!(fresh.limiter.enter(second, &[account, key]).await.is_err());
    fresh.limiter.enter(second, &[account]).await.expect("the refused request took no place");
    assert!(fresh.limiter.enter(third, &[account]).await.is_err());
}

/// A repeat of either is the same.
pub async fn entering_and_leaving_again_changes_nothing<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    let limits = [(LimitKey::KeyConcurrency(factory.key_id()), 2)];
    let keys = [limits[0].0];
    let [first, second, third] = [factory.request_id(), factory.request_id(), factory.request_id()];
    for _ in 0..3 {
        fresh.limiter.enter(first, &limits).await.expect("it is the same place");
    }
    fresh.limiter.enter(second, &limits).await.expect("there is a place");
    for _ in 0..3 {
        fresh.limiter.enter(second, &limits).await.expect("it has a place, though all are taken");
        fresh.limiter.leave(third, &keys);
    }
    assert!(fresh.limiter.enter(third, &limits).await.is_err());
    for _ in 0..3 {
        fresh.limiter.leave(first, &keys);
    }
    fresh.limiter.enter(third, &limits).await.expect("one place is free");
    assert!(fresh.limiter.enter(first, &limits).await.is_err());
}

/// Who comes first does not matter.
pub async fn many_tasks_never_run_more_than_the_limit<R: RateLimiter>(fresh: &FreshLimiter<R>) {
    let factory = Factory::new(2);
    let limits = [(LimitKey::AccountConcurrency(factory.account_id()), 5)];
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (limiter, request) = (Arc::clone(&fresh.limiter), factory.request_id());
        tasks.spawn(async move { limiter.enter(request, &limits).await.is_ok() });
    }
    let entered = tasks.join_all().await;
    assert_eq!(entered.into_iter().filter(|entered| *entered).count(), 5);
}
