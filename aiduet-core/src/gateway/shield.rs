//! A future that is finished even when nobody waits for it any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Whether the client still waits.
#[derive(Clone, Debug)]
pub(super) struct Presence(CancellationToken);

impl Presence {
    /// Resolves when the client has left; never while it is there.
    pub(super) async fn gone(&self) {
        self.0.cancelled().await;
    }

    /// Whether the client has left.
    pub(super) fn is_gone(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Runs a future in place. If it is dropped half-way (the client left), the rest runs as a task
/// of the tracker, so that funds which are being set aside or charged are never left in doubt.
///
/// Running in place spares the common case a hand-over between threads.
pub(super) struct Shield<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    tracker: TaskTracker,
    runtime: Handle,
    gone: CancellationToken,
}

impl<T: Send + 'static> Shield<T> {
    pub(super) fn new<F>(tracker: &TaskTracker, work: impl FnOnce(Presence) -> F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let gone = CancellationToken::new();
        Self {
            work: Some(Box::pin(work(Presence(gone.clone())))),
            tracker: tracker.clone(),
            runtime: Handle::current(),
            gone,
        }
    }
}

impl<T: Send + 'static> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let result = std::task::ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Shield<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.gone.cancel();
            self.tracker.spawn_on(async move { drop(work.await) }, &self.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_dropped_shield_finishes_its_work_and_knows_that_the_client_left() {
        let tracker = TaskTracker::new();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        let left = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&left);
        let mut shield = Shield::new(&tracker, move |presence| async move {
            gate.await.ok();
            seen.store(presence.is_gone(), Ordering::SeqCst);
        });
        assert!(futures_util::poll!(&mut shield).is_pending());
        drop(shield);
        open.send(()).unwrap();
        tracker.close();
        tracker.wait().await;
        assert!(left.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_finished_shield_leaves_nothing_behind() {
        let tracker = TaskTracker::new();
        assert_eq!(Shield::new(&tracker, |_presence| async { 7 }).await, 7);
        assert!(tracker.is_empty());
    }
}
