//! What a receipt looks like.

use serde::Serialize;
use utoipa::ToSchema;

use super::usage_view::{KeyNames, RequestView};
use crate::ledger::{Attempt, AttemptResult, RequestRecord};
use crate::price::{Bill, LineItem, LineKind};
use crate::usage::{Stage, Usage};

/// A request with its bill and everything that happened to it.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(super) struct ReceiptView {
    #[serde(flatten)]
    request: RequestView,
    web_searches: u64,
    /// Whether a reported number was impossible and was lowered.
    clamped: bool,
    /// Whether the provider named a model without a price; the one that was asked for was billed.
    unknown_model: bool,
    tokens: TokensView,
    bill: BillView,
    attempts_detail: Vec<AttemptView>,
    /// The rule by which the duet chose the role.
    #[schema(required)]
    role_rule: Option<&'static str>,
}

/// Tokens by class; the classes do not overlap.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
struct TokensView {
    input: u64,
    cache_read: u64,
    cache_write_short: u64,
    cache_write_long: u64,
    output: u64,
}

/// `charge_nano = ceil(sum_pico × margin_bp / 10,000 / 1,000)`.
#[derive(Serialize, ToSchema)]
#[schema(as = Bill)]
struct BillView {
    price_version: u32,
    /// What is multiplied onto the price of the provider, in basis points.
    margin_bp: u32,
    /// `up`: once, at the end.
    rounding: &'static str,
    line_items: Vec<LineView>,
    /// The sum of the lines in pico-USD, a whole number as a text.
    sum_pico: String,
    /// In USD.
    charge: String,
    charge_nano: i64,
}

/// `amount_pico = quantity × rate_pico`.
#[derive(Serialize, ToSchema)]
#[schema(as = BillLine)]
struct LineView {
    /// A class of tokens, or `web_searches`.
    class: &'static str,
    /// The stage of an ensemble: `plan`, `code`, `review` or `repair`.
    #[schema(required)]
    stage: Option<&'static str>,
    model: String,
    service_tier: &'static str,
    quantity: u64,
    /// Pico-USD each.
    rate_pico: u64,
    /// Pico-USD, a whole number as a text.
    amount_pico: String,
}

/// One attempt at an upstream.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptView {
    /// As the operator named it.
    upstream: String,
    /// `status`, `connect`, `timeout` or `broken`.
    result: &'static str,
    /// What the provider answered with.
    #[schema(required)]
    status: Option<u16>,
    duration_ms: u64,
}

impl ReceiptView {
    pub(super) fn of(record: &RequestRecord, names: &KeyNames) -> Self {
        let Usage {
            input,
            cache_read,
            cache_write_short,
            cache_write_long,
            output,
            reasoning: _,
            web_searches,
        } = record.usage;
        Self {
            request: RequestView::of(record, names),
            web_searches,
            clamped: record.flags.clamped,
            unknown_model: record.flags.unknown_model,
            tokens: TokensView { input, cache_read, cache_write_short, cache_write_long, output },
            bill: BillView::from(&record.bill),
            attempts_detail: record.attempts.iter().map(AttemptView::from).collect(),
            role_rule: record.duet.map(|duet| duet.rule.as_str()),
        }
    }
}

impl From<&Bill> for BillView {
    fn from(bill: &Bill) -> Self {
        let sum = bill.lines.iter().map(LineItem::pico).fold(0_u128, u128::saturating_add);
        Self {
            price_version: bill.version.0,
            margin_bp: bill.margin.0,
            rounding: "up",
            line_items: bill.lines.iter().map(LineView::from).collect(),
            sum_pico: sum.to_string(),
            charge: bill.charge.to_string(),
            charge_nano: bill.charge.nanos(),
        }
    }
}

impl From<&LineItem> for LineView {
    fn from(line: &LineItem) -> Self {
        Self {
            class: match line.kind {
                LineKind::Tokens(class) => class.as_str(),
                LineKind::WebSearches => "web_searches",
            },
            stage: line.stage.map(Stage::as_str),
            model: line.model.as_str().to_owned(),
            service_tier: line.tier.as_str(),
            quantity: line.quantity,
            rate_pico: line.rate.pico(),
            amount_pico: line.pico().to_string(),
        }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(Attempt { upstream, result, duration_ms }: &Attempt) -> Self {
        let (result, status) = match result {
            AttemptResult::Status(status) => ("status", Some(*status)),
            AttemptResult::Connect => ("connect", None),
            AttemptResult::Timeout => ("timeout", None),
            AttemptResult::Broken => ("broken", None),
        };
        Self { upstream: upstream.as_str().to_owned(), result, status, duration_ms: *duration_ms }
    }
}
