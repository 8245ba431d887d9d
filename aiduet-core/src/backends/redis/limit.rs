//! Rate limits and concurrency that nodes share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use tokio::runtime::Handle;

use crate::backends::memory::MemoryLimiter;
use crate::clock::Clock;
use crate::id::RequestId;
use crate::limit::{Claim, LimitError, LimitKey, Quota, RateLimiter, Standing};
use crate::secret::Secret;

/// How long a call waits for the server; then this node limits by itself.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the server is left alone after it did not answer.
const REST: Duration = Duration::from_secs(1);
/// For how long a running request counts if its node dies before it ends: longer than any lives.
const RUNNING_MAX: Duration = Duration::from_mins(30);
/// What the names of all keys begin with.
const PREFIX: &str = "aiduet";

/// The server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is not one of Redis.
    #[error("expected a URL that begins with redis:// or rediss://")]
    InvalidUrl,
}

/// Rate limits and concurrency that nodes share.
///
/// Quotas run on the server's time. While the server does not answer, each node limits by itself
/// ([`MemoryLimiter`]), so that a limit of `n` lets through at most `n` for each node.
pub struct RedisLimiter {
    shared: Arc<Shared>,
    local: MemoryLimiter,
    clock: Arc<dyn Clock>,
    /// Until when the server is left alone, in milliseconds of the monotonic clock.
    rests_until: AtomicU64,
}

struct Shared {
    client: Client,
    connection: tokio::sync::OnceCell<ConnectionManager>,
    take: Script,
    enter: Script,
    /// Requests that have left, and what they leave; told to the server before anything else.
    left: Mutex<Vec<(LimitKey, RequestId)>>,
    options: Options,
}

struct Options {
    /// What the names of all keys begin with.
    namespace: String,
    /// How long a call waits for the server; then this node limits by itself.
    patience: Duration,
    /// Where time comes from; `None`: from the server.
    time: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimiter").finish_non_exhaustive()
    }
}

impl RedisLimiter {
    /// A limiter on a server that need not be reachable yet.
    ///
    /// # Errors
    /// [`ConnectError::InvalidUrl`].
    pub fn new(url: &Secret<String>, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Self::build(url, clock, Options { namespace: PREFIX.to_owned(), patience: PATIENCE, time: None })
    }

    fn build(url: &Secret<String>, clock: Arc<dyn Clock>, options: Options) -> Result<Self, ConnectError> {
        let shared = Shared {
            // The error of the driver quotes the URL, which may hold a password.
            client: Client::open(url.expose().as_str()).map_err(|_quotes_it| ConnectError::InvalidUrl)?,
            connection: tokio::sync::OnceCell::new(),
            take: Script::new(include_str!("take.lua")),
            enter: Script::new(include_str!("enter.lua")),
            left: Mutex::default(),
            options,
        };
        let local = MemoryLimiter::new(Arc::clone(&clock));
        Ok(Self { shared: Arc::new(shared), local, clock, rests_until: AtomicU64::new(0) })
    }

    /// Whether the server answers.
    pub async fn answers(&self) -> bool {
        self.ask(self.shared.enter(None, &[])).await.is_some()
    }

    /// What the server says; `None` if it does not answer, or rests.
    async fn ask<T>(&self, call: impl Future<Output = Result<T, RedisError>> + Send) -> Option<T> {
        let now = self.clock.monotonic();
        if millis(now) < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        let problem = match tokio::time::timeout(self.shared.options.patience, call).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.category().to_owned(),
            Err(_elapsed) => "no answer in time".to_owned(),
        };
        self.rests_until.store(millis(now.saturating_add(REST)), Ordering::Relaxed);
        tracing::warn!(problem, "shared limits do not answer; this node limits by itself");
        None
    }
}

impl Shared {
    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.options.patience))
            .set_response_timeout(Some(self.options.patience));
        let connect = || ConnectionManager::new_with_config(self.client.clone(), config);
        self.connection.get_or_try_init(connect).await.cloned()
    }

    fn name(&self, key: LimitKey) -> String {
        let (kind, id) = match key {
            LimitKey::Guard(guard, subject) => (guard.as_str(), subject.as_u128()),
            LimitKey::KeyRequests(id) => ("requests", id.as_uuid().as_u128()),
            LimitKey::KeyTokens(id) => ("tokens", id.as_uuid().as_u128()),
            LimitKey::KeyConcurrency(id) => ("running", id.as_uuid().as_u128()),
            LimitKey::AccountConcurrency(id) => ("running-account", id.as_uuid().as_u128()),
            LimitKey::AuthFailures(address) => ("auth-failures", address),
        };
        format!("{}:{kind}:{id:032x}", self.options.namespace)
    }

    /// The time that a script is given, in units of which a second has so many.
    fn time(&self, per_second: u128) -> String {
        self.options.time.as_ref().map_or_else(String::new, |clock| {
            let nanos = clock.monotonic().as_nanos().saturating_mul(per_second);
            nanos.checked_div(1_000_000_000).unwrap_or_default().to_string()
        })
    }

    async fn take(&self, claims: &[Claim]) -> Result<Vec<u64>, RedisError> {
        let mut call = self.take.prepare_invoke();
        call.arg(self.time(1_000_000));
        for Claim { key, quota: Quota { units, period }, cost } in claims {
            call.key(self.name(*key)).arg(*units).arg(micros(*period)).arg(*cost);
        }
        call.invoke_async(&mut self.connection().await?).await
    }

    /// Tells who has left, and enters, if there is somebody who wants to.
    async fn enter(
        &self,
        request: Option<RequestId>,
        limits: &[(LimitKey, u32)],
    ) -> Result<usize, RedisError> {
        let mut connection = self.connection().await?;
        let mut call = self.enter.prepare_invoke();
        let name = request.map_or_else(String::new, |request| request.as_uuid().simple().to_string());
        call.arg(self.time(1_000)).arg(millis(RUNNING_MAX)).arg(name);
        for (key, limit) in limits {
            call.key(self.name(*key)).arg(*limit);
        }
        let (mut answer, told) = {
            let mut left = self.left();
            for (key, request) in left.iter() {
                call.arg(self.name(*key)).arg(request.as_uuid().simple().to_string());
            }
            let mut answer = Box::pin(async move { call.invoke_async(&mut connection).await });
            // Calls are sent in the order of their first poll: under the lock nobody can enter
            // before those have left that this call tells of.
            let sent = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(answer) = sent {
                if answer.is_ok() {
                    left.clear();
                }
                return answer;
            }
            (answer, std::mem::take(&mut *left))
        };
        let answer = answer.as_mut().await;
        if answer.is_err() {
            self.left().extend(told);
        }
        answer
    }

    fn left(&self) -> MutexGuard<'_, Vec<(LimitKey, RequestId)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RateLimiter for RedisLimiter {
    async fn take(&self, claims: &[Claim]) -> Result<Vec<Standing>, LimitError> {
        let Some(answer) = self.ask(self.shared.take(claims)).await else {
            return self.local.take(claims).await;
        };
        let (refused, numbers) = answer.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
        let refused = usize::try_from(refused).ok().and_then(|number| number.checked_sub(1));
        if let Some(claim) = refused.and_then(|place| claims.get(place)) {
            let wait = numbers.first().copied().unwrap_or_default();
            return Err(LimitError::Exceeded {
                key: claim.key,
                limit: claim.quota.units,
                retry_after: Duration::from_micros(wait),
            });
        }
        let standing = |(claim, pair): (&Claim, &[u64])| Standing {
            key: claim.key,
            limit: claim.quota.units,
            remaining: pair.first().copied().unwrap_or_default(),
            reset_after: Duration::from_micros(pair.get(1).copied().unwrap_or_default()),
        };
        Ok(claims.iter().zip(numbers.chunks(2)).map(standing).collect())
    }

    async fn enter(&self, request: RequestId, limits: &[(LimitKey, u32)]) -> Result<(), LimitError> {
        let Some(full) = self.ask(self.shared.enter(Some(request), limits)).await else {
            return self.local.enter(request, limits).await;
        };
        match full.checked_sub(1).and_then(|place| limits.get(place)) {
            Some((key, limit)) => Err(LimitError::TooManyRunning { key: *key, limit: *limit }),
            None => Ok(()),
        }
    }

    fn leave(&self, request: RequestId, keys: &[LimitKey]) {
        // Where it entered is not known any more, and leaving where it never was changes nothing.
        self.local.leave(request, keys);
        let left = keys.iter().map(|key| (*key, request));
        self.shared.left().extend(left);
        let shared = Arc::clone(&self.shared);
        if let Ok(runtime) = Handle::try_current() {
            // A place that is not given back now is given back before the next request enters.
            runtime.spawn(async move {
                let patience = shared.options.patience;
                tokio::time::timeout(patience, shared.enter(None, &[])).await.is_ok()
            });
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(all(test, feature = "testing"))]
mod tests;
