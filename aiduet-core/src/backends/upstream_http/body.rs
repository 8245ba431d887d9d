//! The body of an answer, with its limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::provider::{ProviderError, Stage};

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>;

/// What a body may take.
#[derive(Clone, Copy)]
pub(super) struct BodyLimits {
    /// Between two chunks.
    pub(super) idle: Duration,
    /// When the whole answer must be there.
    pub(super) deadline: Instant,
    /// Most bytes; `None`: a stream of events, bounded by time.
    pub(super) bytes_max: Option<u64>,
}

/// The body of an answer. Ends at the first error, and closes the exchange then or when dropped.
pub(super) struct LimitedBody {
    /// `None` once it is over.
    chunks: Option<Chunks>,
    limits: BodyLimits,
    received: u64,
    /// Runs while nothing comes.
    timer: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl LimitedBody {
    pub(super) fn new(chunks: Chunks, limits: BodyLimits) -> Self {
        let timer = Box::pin(sleep_until(limits.deadline));
        Self { chunks: Some(chunks), limits, received: 0, timer, is_waiting: false }
    }

    fn fail(&mut self, error: ProviderError) -> Poll<Option<Result<Bytes, ProviderError>>> {
        self.chunks = None;
        Poll::Ready(Some(Err(error)))
    }

    fn take(&mut self, chunk: Bytes) -> Poll<Option<Result<Bytes, ProviderError>>> {
        self.is_waiting = false;
        self.received = self.received.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.limits.bytes_max.is_some_and(|most| self.received > most) {
            return self.fail(ProviderError::TooLarge);
        }
        Poll::Ready(Some(Ok(chunk)))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ProviderError>>> {
        if !self.is_waiting {
            self.is_waiting = true;
            let idle_ends = Instant::now().checked_add(self.limits.idle).unwrap_or(self.limits.deadline);
            self.timer.as_mut().reset(idle_ends.min(self.limits.deadline));
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => self.fail(ProviderError::Timeout { stage: Stage::Body }),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Stream for LimitedBody {
    type Item = Result<Bytes, ProviderError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(chunks) = this.chunks.as_mut() else { return Poll::Ready(None) };
        match chunks.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => this.take(chunk),
            // The error may show the URL.
            Poll::Ready(Some(Err(_error))) => this.fail(ProviderError::Broken { stage: Stage::Body }),
            Poll::Ready(None) => {
                this.chunks = None;
                Poll::Ready(None)
            }
            Poll::Pending => this.wait(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    fn body(chunks: Chunks, bytes_max: Option<u64>) -> LimitedBody {
        let deadline = Instant::now() + Duration::from_secs(25);
        LimitedBody::new(chunks, BodyLimits { idle: IDLE, deadline, bytes_max })
    }

    fn every(pace: Duration) -> Chunks {
        Box::pin(stream::repeat_with(|| Bytes::from_static(b"chunk")).then(move |chunk| async move {
            tokio::time::sleep(pace).await;
            Ok(chunk)
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_body() {
        let begun = Instant::now();
        let mut body = body(every(IDLE + Duration::from_secs(1)), None);
        assert_eq!(body.next().await, Some(Err(ProviderError::Timeout { stage: Stage::Body })));
        assert_eq!(begun.elapsed(), IDLE);
        assert_eq!(body.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_ended() {
        let begun = Instant::now();
        let items: Vec<_> = body(every(Duration::from_secs(2)), None).collect().await;
        assert_eq!(items.last(), Some(&Err(ProviderError::Timeout { stage: Stage::Body })));
        assert_eq!((items.len(), begun.elapsed()), (13, Duration::from_secs(25)));
    }

    #[tokio::test]
    async fn a_body_larger_than_its_limit_is_refused_at_the_first_byte_too_many() {
        let chunks = || -> Chunks {
            Box::pin(stream::iter([Ok(Bytes::from_static(b"12345")), Ok(Bytes::from_static(b"6"))]))
        };
        assert!(body(chunks(), Some(6)).all(|item| async move { item.is_ok() }).await);
        let items: Vec<_> = body(chunks(), Some(5)).collect().await;
        assert_eq!(items, [Ok(Bytes::from_static(b"12345")), Err(ProviderError::TooLarge)]);
    }
}
