//! Labels: values from lists of ours only, so that no text of a request becomes a series.

use std::fmt::Write;

use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::dialect::Endpoint;
use crate::ledger::{Outcome, RequestRecord, UpstreamName};
use crate::price::ModelId;
use crate::provider::Vendor;

/// A value from a list that was written into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Word(pub(super) &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.0)
    }
}

/// What the provider or we had no name for.
pub(super) const OTHER: Word = Word("other");

/// A model of the catalogue, or `other`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Model(pub(super) Option<ModelId>);

impl EncodeLabelValue for Model {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.0.as_ref().map_or(OTHER.0, ModelId::as_str))
    }
}

/// A job, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfJob {
    pub(super) job: Word,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct JobEnded {
    pub(super) job: Word,
    pub(super) outcome: Word,
}

/// A table of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfTable {
    pub(super) table: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: Word,
    pub(super) commit: Word,
}

/// The part of the server that a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Surface {
    pub(super) surface: Word,
}

/// A route by its template. The template is ours: axum gives it, the client does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) surface: Word,
    pub(super) route: String,
    pub(super) method: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    pub(super) surface: Word,
    pub(super) route: String,
    pub(super) method: Word,
    pub(super) status: u16,
}

/// Which model of which provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Origin {
    pub(super) provider: Word,
    pub(super) model: Model,
}

impl Origin {
    pub(super) fn of(record: &RequestRecord) -> Self {
        Self { provider: Word(record.vendor.as_str()), model: Model(Some(record.model.clone())) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Settled {
    pub(super) provider: Word,
    pub(super) model: Model,
    pub(super) operation: Word,
    pub(super) outcome: Word,
}

impl Settled {
    pub(super) fn of(record: &RequestRecord) -> Self {
        let Origin { provider, model } = Origin::of(record);
        Self { provider, model, operation: operation(record.endpoint), outcome: outcome(record) }
    }

    pub(super) const fn refused() -> Self {
        Self { provider: OTHER, model: Model(None), operation: OTHER, outcome: Word("refused") }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Timed {
    pub(super) provider: Word,
    pub(super) model: Model,
    pub(super) stream: Word,
}

impl Timed {
    pub(super) fn of(record: &RequestRecord) -> Self {
        let Origin { provider, model } = Origin::of(record);
        Self { provider, model, stream: Word(if record.stream { "true" } else { "false" }) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Counted {
    pub(super) provider: Word,
    pub(super) model: Model,
    pub(super) r#type: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Failed {
    pub(super) provider: Word,
    pub(super) kind: Word,
}

impl Failed {
    pub(super) const fn of(vendor: Vendor, kind: &'static str) -> Self {
        Self { provider: Word(vendor.as_str()), kind: Word(kind) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Retried {
    pub(super) provider: Word,
    pub(super) reason: Word,
}

impl Retried {
    pub(super) const fn of(vendor: Vendor, reason: &'static str) -> Self {
        Self { provider: Word(vendor.as_str()), reason: Word(reason) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Provider {
    pub(super) provider: Word,
}

impl Provider {
    pub(super) const fn of(vendor: Vendor) -> Self {
        Self { provider: Word(vendor.as_str()) }
    }
}

/// An upstream under the operator's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Circuit {
    pub(super) provider: Word,
    pub(super) upstream: String,
}

impl Circuit {
    pub(super) fn of(vendor: Vendor, name: &UpstreamName) -> Self {
        Self { provider: Word(vendor.as_str()), upstream: name.as_str().to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Phase {
    pub(super) phase: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Class {
    pub(super) class: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Expired {
    pub(super) outcome: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Delivered {
    pub(super) outcome: Word,
}

/// The part of the server that a route belongs to.
pub(super) fn surface(route: &str) -> Word {
    match route {
        "/healthz" | "/readyz" | "/startupz" | "/metrics" => Word("admin"),
        _ if route.starts_with("/v1/") => Word("v1"),
        _ if route.starts_with("/api/") => Word("api"),
        _ => Word("ui"),
    }
}

/// A method, if it is a usual one.
pub(super) fn method(method: &Method) -> Word {
    let usual = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];
    usual.into_iter().find(|name| *name == method.as_str()).map_or(OTHER, Word)
}

const fn operation(endpoint: Endpoint) -> Word {
    Word(endpoint.as_str())
}

fn outcome(record: &RequestRecord) -> Word {
    Word(match record.outcome {
        Outcome::Completed | Outcome::CompletedEstimated | Outcome::BalanceExhausted => "ok",
        Outcome::ClientDisconnected | Outcome::ClientDisconnectedEstimated => "cancelled",
        Outcome::UpstreamError if record.status == StatusCode::GATEWAY_TIMEOUT.as_u16() => "timeout",
        Outcome::UpstreamError if (400..500).contains(&record.status) => "client_error",
        Outcome::UpstreamError | Outcome::UpstreamInterrupted => "upstream_error",
        Outcome::Refused => "refused",
        Outcome::Recovered | Outcome::Lost => "lost",
    })
}
