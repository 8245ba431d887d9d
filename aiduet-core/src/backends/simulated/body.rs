//! The bytes of an answer, at their pace and with the faults that were asked for.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;

use super::plan::{Answer, Step};
use super::script::Fault;
use crate::provider::{ProviderError, ReplyBody, Stage};

/// Puts the steps of an answer into the wire format of an endpoint.
pub(super) trait Wire: Send {
    /// The event or events of one step; empty where the format has none.
    fn write(&mut self, answer: &Answer, step: Step) -> String;
    /// The event that reports an error in mid-stream.
    fn error(&mut self) -> String;
    /// The whole answer as one JSON document.
    fn whole(&mut self, answer: &Answer) -> String;
}

/// How the bytes come.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub(super) fault: Option<Fault>,
    /// Time before each chunk.
    pub(super) pace: Duration,
    /// Until a peer would give up waiting.
    pub(super) patience: Duration,
}

/// Server-sent events.
pub(super) fn events(answer: Answer, wire: Box<dyn Wire>, delivery: Delivery) -> ReplyBody {
    let steps = answer.steps().into_iter();
    deliver(Source::Events { answer, wire, steps }, delivery)
}

/// A body that is there as a whole; a fault in mid-body comes after its first half.
pub(super) fn whole(bytes: Bytes, delivery: Delivery) -> ReplyBody {
    let half = bytes.len().div_ceil(2);
    let halves = match delivery.fault {
        Some(Fault::Cut(_) | Fault::End(_) | Fault::Stall(_)) => {
            VecDeque::from([bytes.slice(..half), bytes.slice(half..)])
        }
        _ => VecDeque::from([bytes]),
    };
    let fault = match delivery.fault {
        Some(Fault::Cut(after)) => Some(Fault::Cut(after.min(1))),
        Some(Fault::End(after)) => Some(Fault::End(after.min(1))),
        Some(Fault::Stall(after)) => Some(Fault::Stall(after.min(1))),
        other => other,
    };
    deliver(Source::Chunks(halves), Delivery { fault, ..delivery })
}

enum Source {
    Events { answer: Answer, wire: Box<dyn Wire>, steps: std::vec::IntoIter<Step> },
    Chunks(VecDeque<Bytes>),
    Over,
}

impl Source {
    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Events { answer, wire, steps } => {
                steps.map(|step| wire.write(answer, step)).find(|text| !text.is_empty()).map(Bytes::from)
            }
            Self::Chunks(chunks) => chunks.pop_front(),
            Self::Over => None,
        }
    }

    fn error(&mut self) -> Option<Bytes> {
        match self {
            Self::Events { wire, .. } => Some(Bytes::from(wire.error())),
            Self::Chunks(_) | Self::Over => None,
        }
    }
}

struct Delivering {
    source: Source,
    sent: usize,
    delivery: Delivery,
}

fn deliver(source: Source, delivery: Delivery) -> ReplyBody {
    let state = Delivering { source, sent: 0, delivery };
    Box::pin(stream::unfold(state, |mut state| async move {
        let item = state.next().await?;
        Some((item, state))
    }))
}

impl Delivering {
    async fn next(&mut self) -> Option<Result<Bytes, ProviderError>> {
        if matches!(self.source, Source::Over) {
            return None;
        }
        if let Some(end) = self.fault().await {
            return end;
        }
        let chunk = self.source.next()?;
        if !self.delivery.pace.is_zero() {
            tokio::time::sleep(self.delivery.pace).await;
        }
        self.sent = self.sent.saturating_add(1);
        Some(Ok(chunk))
    }

    /// How the body ends here, if it is to end before its end.
    async fn fault(&mut self) -> Option<Option<Result<Bytes, ProviderError>>> {
        let sent = self.sent;
        let fault = self.delivery.fault.filter(|fault| match fault {
            Fault::Cut(after) | Fault::End(after) | Fault::Stall(after) | Fault::Error(after) => {
                sent >= *after
            }
            _ => false,
        })?;
        let error_event = self.source.error();
        self.source = Source::Over;
        Some(match fault {
            Fault::Cut(_) => Some(Err(ProviderError::Broken { stage: Stage::Body })),
            Fault::Stall(_) => {
                tokio::time::sleep(self.delivery.patience).await;
                Some(Err(ProviderError::Timeout { stage: Stage::Body }))
            }
            Fault::Error(_) => error_event.map(Ok),
            _ => None,
        })
    }
}
