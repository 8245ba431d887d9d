//! The stages of an ensemble on the bill of its request.

use std::sync::Arc;

use super::{Closing, Priced, Tab};
use crate::clock::Clock;
use crate::dialect::Reading;
use crate::ledger::{Outcome, SettleRequest};
use crate::money::Money;
use crate::price::{Ask, Bill, LineItem, ModelId, PricedModel};
use crate::provider::Vendor;
use crate::usage::{FinishReason, Stage, StageUsage, Usage, UsageFlags};

/// What an ensemble comes to beside the call under way.
#[derive(Default)]
pub(in crate::gateway) struct Staged {
    /// What the holds must cover beside the call under way: the charges of the stages before it, and the
    /// worst case of those behind it.
    pub(super) apart: Money,
    /// The most that the client allows, if it says so.
    pub(in crate::gateway) ceiling: Option<Money>,
    under_way: Option<Stage>,
    ended: Vec<EndedStage>,
    flags: UsageFlags,
    /// What a stage used cannot be priced, so that everything that is held is charged.
    is_beyond_price: bool,
}

impl Staged {
    /// The lines of the stages that are on the bill.
    pub(super) fn lines(&self) -> impl Iterator<Item = LineItem> + '_ {
        self.ended.iter().flat_map(|stage| stage.lines.iter().cloned())
    }

    /// The model of the last stage that wrote the answer.
    pub(super) fn wrote(&self) -> Option<(ModelId, Vendor)> {
        let wrote = self.ended.iter().rev().find(|stage| stage.usage.stage.answers());
        wrote.map(|EndedStage { usage, vendor, .. }| (usage.model.clone(), *vendor))
    }
}

/// A stage that is on the bill.
struct EndedStage {
    usage: StageUsage,
    vendor: Vendor,
    lines: Vec<LineItem>,
}

impl Tab {
    /// What the stages until now come to, as a charge; at most what is held.
    pub(in crate::gateway) fn used_by_stages(&self) -> Money {
        self.bill(Vec::new()).map_or(self.held, |bill| bill.charge.min(self.held))
    }

    /// Whether stages are on the bill.
    pub(in crate::gateway) const fn has_stages(&self) -> bool {
        !self.staged.ended.is_empty()
    }

    /// Whether counts of ours are on the bill.
    pub(in crate::gateway) const fn is_estimated(&self) -> bool {
        self.staged.flags.estimated
    }

    /// Output tokens of the answer itself until now.
    pub(in crate::gateway) fn written(&self) -> u64 {
        let answering = self.staged.ended.iter().filter(|stage| stage.usage.stage.answers());
        answering.fold(0, |sum, stage| sum.saturating_add(stage.usage.usage.output))
    }

    /// Takes note of what an ensemble needs before its first stage begins: the ask of that one, and the
    /// worst case of the stages behind it.
    pub(in crate::gateway) fn plan_stages(&mut self, (model, ask): (&Arc<PricedModel>, Ask), behind: Money) {
        self.facts.model = Arc::clone(model);
        self.ask = ask;
        self.staged.apart = behind;
    }

    /// Begins a stage of an ensemble with its model. `later` is the worst case of the stages behind it.
    pub(in crate::gateway) fn begin_stage(
        &mut self,
        stage: Stage,
        (model, ask, guess): (&Arc<PricedModel>, Ask, u64),
        later: Money,
    ) {
        let apart = self.used_by_stages().checked_add(later).unwrap_or(self.held);
        self.staged.under_way = Some(stage);
        self.staged.apart = apart;
        self.facts.model = Arc::clone(model);
        self.covered = ask.output_tokens;
        self.ask = ask;
        self.prompt_tokens = guess;
    }

    /// Ends the stage under way: what it used is on the bill.
    pub(in crate::gateway) fn end_stage(&mut self, reading: &Reading, outcome: Outcome) {
        let Some(stage) = self.staged.under_way.take() else { return };
        let Priced { usage, flags, bill } = self.price(reading, outcome);
        let model = Arc::clone(&self.facts.model);
        self.staged.is_beyond_price |= bill.lines.is_empty() && bill.charge > Money::ZERO;
        let served = bill.lines.last().map_or(&model.id, |line| &line.model).clone();
        let lines = bill.lines.into_iter().map(|line| LineItem { stage: Some(stage), ..line }).collect();
        self.staged.flags.estimated |= flags.estimated;
        self.staged.flags.clamped |= flags.clamped;
        self.staged.flags.unknown_model |= flags.unknown_model;
        let usage = StageUsage { stage, model: served, usage };
        self.staged.ended.push(EndedStage { usage, vendor: model.vendor, lines });
    }

    /// Leaves the stage under way out of the bill.
    pub(in crate::gateway) const fn forget_stage(&mut self) {
        self.staged.under_way = None;
    }

    /// What each stage used that is on the bill, in order.
    pub(in crate::gateway) fn stages(&self) -> Vec<StageUsage> {
        self.staged.ended.iter().map(|stage| stage.usage.clone()).collect()
    }

    /// Closes the bill of an ensemble.
    pub(in crate::gateway) fn close_stages(
        &self,
        finish: Option<FinishReason>,
        closing: Closing,
        clock: &dyn Clock,
    ) -> SettleRequest {
        let usage =
            self.staged.ended.iter().fold(Usage::default(), |sum, stage| sum.plus(&stage.usage.usage));
        let bill = self.bill(Vec::new()).ok().filter(|_bill| !self.staged.is_beyond_price);
        let flags = UsageFlags { clamped: self.staged.flags.clamped || bill.is_none(), ..self.staged.flags };
        let bill = bill.unwrap_or_else(|| Bill { charge: self.held, ..self.free() });
        self.record(Priced { usage, flags, bill }, (finish, closing), clock)
    }
}
