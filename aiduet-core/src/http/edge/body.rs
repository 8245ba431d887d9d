//! The body of an answer, which keeps its place until it has ended.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::template;
use crate::app::App;
use crate::http::metrics::{InFlight, Measured};

/// What happens when an answer has ended, or was given up: it is measured, and its place is free.
pub(super) struct Ending {
    pub(super) app: App,
    pub(super) route: Option<MatchedPath>,
    pub(super) method: Method,
    pub(super) status: StatusCode,
    pub(super) started: Duration,
    #[expect(dead_code, reason = "counts until it is dropped")]
    pub(super) in_flight: InFlight,
    #[expect(dead_code, reason = "holds the place until it is dropped")]
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let route = template(self.route.as_ref());
        let took = self.app.clock().monotonic().saturating_sub(self.started);
        let measured = Measured { route, method: &self.method, status: self.status, took };
        self.app.metrics().answered(&measured);
    }
}

pub(super) struct EndingBody {
    inner: Body,
    ending: Option<Ending>,
}

impl EndingBody {
    pub(super) const fn new(inner: Body, ending: Ending) -> Self {
        Self { inner, ending: Some(ending) }
    }
}

impl HttpBody for EndingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.ending = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
