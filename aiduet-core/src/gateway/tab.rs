//! The open bill of a request: what is held for it, and what its record will say.

mod stages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::stages::Staged;
use super::duet::{Routed, Ruling};
use super::settle::Settler;
use crate::clock::{Clock, Timestamp};
use crate::dialect::{Endpoint, Reading};
use crate::id::{AccountId, ApiKeyId, HoldId, NodeId, RequestId};
use crate::keys::SpendLimits;
use crate::ledger::{Attempt, Hold, HoldOrigin, Outcome, RequestRecord, ReserveRequest, SettleRequest};
use crate::limit::{LimitKey, RateLimiter, Standing};
use crate::money::{Money, MoneyOverflow};
use crate::price::{
    Ask, Bill, Charge, ChargeRequest, LineItem, Margin, ModelId, PriceError, PriceSheet, PricedModel,
    affordable_output, charge, quote,
};
use crate::provider::{UpstreamRequestId, Vendor};
use crate::usage::{FinishReason, Usage, UsageFlags, UsagePart};

/// A place among the running requests, given back on drop.
pub(super) struct Slot {
    limiter: Arc<dyn RateLimiter>,
    request: RequestId,
    keys: Vec<LimitKey>,
}

impl Slot {
    pub(super) fn new(limiter: &Arc<dyn RateLimiter>, request: RequestId, keys: Vec<LimitKey>) -> Self {
        Self { limiter: Arc::clone(limiter), request, keys }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.leave(self.request, &self.keys);
    }
}

/// Releases what a request holds if it is dropped before its bill is closed: because the client
/// left before the call was made, or because of a defect.
pub(super) struct Watch {
    settler: Arc<Settler>,
    account: AccountId,
    request: RequestId,
    /// There are holds, and the bill is open.
    is_armed: AtomicBool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_armed.load(Ordering::Relaxed) {
            self.settler.release_in_doubt(self.account, self.request);
        }
    }
}

/// The facts of a request that do not change.
pub(super) struct Facts {
    pub(super) id: RequestId,
    pub(super) account: AccountId,
    pub(super) key: ApiKeyId,
    pub(super) limits: SpendLimits,
    pub(super) endpoint: Endpoint,
    pub(super) stream: bool,
    pub(super) model: Arc<PricedModel>,
    pub(super) sheet: Arc<PriceSheet>,
    /// What the duet has decided, if it chose the model.
    pub(super) duet: Option<Ruling>,
    pub(super) margin: Margin,
    pub(super) node: NodeId,
    pub(super) started_at: Timestamp,
    pub(super) started: Duration,
}

/// The open bill of a request.
pub(super) struct Tab {
    pub(super) facts: Facts,
    /// What the call may use at most: the prompt bound and the whole output limit.
    pub(super) ask: Ask,
    /// What the prompt probably has, or has exactly where it was counted, in tokens.
    prompt_tokens: u64,
    /// Holds in the order they were made.
    pub(super) holds: Vec<HoldId>,
    /// What they hold together.
    pub(super) held: Money,
    /// Output tokens that they cover.
    pub(super) covered: u64,
    pub(super) first_byte: Option<Duration>,
    pub(super) upstream_request_id: Option<UpstreamRequestId>,
    pub(super) attempts: Vec<Attempt>,
    /// What is left of the limits of the key.
    pub(super) standings: Vec<Standing>,
    /// What an ensemble comes to beside the call under way; nothing for any other request.
    pub(super) staged: Staged,
    watch: Watch,
    _slot: Slot,
}

impl Tab {
    pub(super) fn new(
        facts: Facts,
        ask: Ask,
        prompt_tokens: u64,
        (slot, settler): (Slot, Arc<Settler>),
    ) -> Self {
        let (account, request) = (facts.account, facts.id);
        Self {
            facts,
            prompt_tokens,
            ask,
            holds: Vec::new(),
            held: Money::ZERO,
            covered: 0,
            first_byte: None,
            upstream_request_id: None,
            attempts: Vec::new(),
            standings: Vec::new(),
            staged: Staged::default(),
            watch: Watch { settler, account, request, is_armed: AtomicBool::new(false) },
            _slot: slot,
        }
    }

    /// Takes note of a hold that covers `output` tokens together with those before.
    pub(super) fn add_hold(&mut self, hold: &Hold, output: u64) -> Result<(), MoneyOverflow> {
        self.watch.is_armed.store(true, Ordering::Relaxed);
        self.holds.push(hold.id);
        self.held = self.held.checked_add(hold.amount)?;
        self.covered = output;
        Ok(())
    }

    /// Turns to another model: what is held covers as much of its output as it pays for. Returns
    /// what [`turn_back`](Self::turn_back) needs.
    pub(super) fn turn_to(&mut self, model: &Arc<PricedModel>, ask: Ask) -> Turn {
        let model = std::mem::replace(&mut self.facts.model, Arc::clone(model));
        let ask = std::mem::replace(&mut self.ask, ask);
        let funds = self.held.checked_sub(self.staged.apart).unwrap_or(Money::ZERO);
        let covered = affordable_output(&self.facts.model, &self.ask, self.facts.margin, funds);
        let covered = std::mem::replace(&mut self.covered, covered.unwrap_or_default());
        Turn { model, ask, covered, prompt_tokens: self.prompt_tokens }
    }

    /// Turns back to the model before.
    pub(super) fn turn_back(&mut self, before: Turn) {
        let Turn { model, ask, covered, prompt_tokens } = before;
        self.facts.model = model;
        self.ask = ask;
        self.covered = covered;
        self.prompt_tokens = prompt_tokens;
    }

    /// Whether the holds cover the prompt and `output` tokens.
    pub(super) fn covers(&self, output: u64) -> bool {
        self.most(output).is_ok_and(|most| most <= self.held)
    }

    /// The most that everything comes to, with so many output tokens of the call under way.
    fn most(&self, output: u64) -> Result<Money, PriceError> {
        let ask = Ask { output_tokens: output, ..self.ask };
        Ok(quote(&self.facts.model, &ask, self.facts.margin)?.checked_add(self.staged.apart)?)
    }

    /// Whether the worst case is within what the client allows, if it says so.
    pub(super) fn is_allowed(&self) -> bool {
        let within = |ceiling| self.most(self.ask.output_tokens).is_ok_and(|most| most <= ceiling);
        self.staged.ceiling.is_none_or(within)
    }

    /// Takes note of the exact number of prompt tokens.
    pub(super) fn set_exact_input(&mut self, tokens: u64) {
        self.ask.input_tokens = tokens.min(self.ask.input_tokens);
        self.prompt_tokens = tokens;
    }

    /// The reserve that lets the holds cover `output` tokens.
    pub(super) fn reserve_for(&self, output: u64, at: Timestamp) -> Result<ReserveRequest, PriceError> {
        let facts = &self.facts;
        let amount = self.most(output)?.checked_sub(self.held)?.max(Money::from_nanos(1));
        let step = u32::try_from(self.holds.len()).unwrap_or(u32::MAX);
        let floor = if step == 0 { self.prompt_price()?.min(amount) } else { Money::ZERO };
        Ok(ReserveRequest {
            id: HoldId::of_request(facts.id, step),
            request: facts.id,
            account: facts.account,
            amount,
            floor,
            owner: facts.node,
            key: facts.key,
            limits: facts.limits,
            origin: HoldOrigin {
                endpoint: facts.endpoint,
                model: facts.model.id.clone(),
                vendor: facts.model.vendor,
                stream: facts.stream,
                started_at: facts.started_at,
            },
            at,
        })
    }

    /// What the prompt alone costs, by estimate.
    fn prompt_price(&self) -> Result<Money, PriceError> {
        let ask =
            Ask { input_tokens: self.prompt_tokens.min(self.ask.input_tokens), output_tokens: 0, ..self.ask };
        quote(&self.facts.model, &ask, self.facts.margin)
    }

    /// What has been used so far, as a charge; at most what is held.
    pub(super) fn used_so_far(&self, reading: &Reading) -> Money {
        let lines =
            self.charge(&[self.counted(reading)]).map_or_else(|_| Vec::new(), |charge| charge.bill.lines);
        self.bill(lines).map_or(Money::ZERO, |bill| bill.charge.min(self.held))
    }

    /// A bill of the stages until now, and these lines.
    fn bill(&self, lines: Vec<LineItem>) -> Result<Bill, PriceError> {
        let mut bill = Bill { lines: self.staged.lines().chain(lines).collect(), ..self.free() };
        bill.charge = bill.recompute()?;
        Ok(bill)
    }

    /// Closes the bill: the record and the charge, ready for the ledger, whose the holds are then.
    pub(super) fn close(&self, reading: &Reading, closing: Closing, clock: &dyn Clock) -> SettleRequest {
        self.record(self.price(reading, closing.outcome), (reading.finish, closing), clock)
    }

    fn record(
        &self,
        Priced { usage, flags, bill }: Priced,
        (finish, closing): (Option<FinishReason>, Closing),
        clock: &dyn Clock,
    ) -> SettleRequest {
        let facts = &self.facts;
        let (model, vendor) = self.answered_by(&bill);
        let record = RequestRecord {
            id: facts.id,
            account: facts.account,
            key: facts.key,
            endpoint: facts.endpoint,
            stream: facts.stream,
            model,
            vendor,
            upstream_request_id: self.upstream_request_id.clone(),
            started_at: facts.started_at,
            first_byte: self.first_byte,
            duration: clock.monotonic().saturating_sub(facts.started),
            status: closing.status,
            outcome: closing.outcome,
            finish,
            usage,
            flags,
            bill,
            attempts: self.attempts.clone(),
            duet: facts.duet.as_ref().map(Ruling::recorded),
        };
        self.note_conversation(&record, clock.now());
        #[cfg(leak_mutants)]
        let record = crate::leak::record(record);
        self.watch.is_armed.store(false, Ordering::Relaxed);
        SettleRequest { holds: self.holds.clone(), record, at: clock.now() }
    }

    /// The next request of the conversation may find its prompt in the cache of the model.
    fn note_conversation(&self, record: &RequestRecord, at: Timestamp) {
        let prompt = record.usage.prompt();
        if let Some(duet) = self.facts.duet.as_ref().filter(|_duet| prompt > 0) {
            duet.note(&self.facts.model.id, prompt, at);
        }
    }

    /// How the duet came to the model that the tab has turned to.
    pub(super) fn routed(&self) -> Option<Routed> {
        self.facts.duet.as_ref().map(|duet| duet.told(&self.facts.model.id))
    }

    /// The model that answered: of an ensemble that of the last stage that wrote the answer, else that
    /// of the last line of the bill, or the routed one.
    fn answered_by(&self, bill: &Bill) -> (ModelId, Vendor) {
        if let Some(wrote) = self.staged.wrote() {
            return wrote;
        }
        let model = bill.lines.last().map_or(&self.facts.model.id, |line| &line.model).clone();
        (model, self.facts.model.vendor)
    }

    fn price(&self, reading: &Reading, outcome: Outcome) -> Priced {
        if matches!(outcome, Outcome::UpstreamError | Outcome::Refused) {
            return Priced { usage: Usage::default(), flags: UsageFlags::default(), bill: self.free() };
        }
        let estimated = reading.parts.is_empty() || !reading.final_usage;
        let counted;
        let parts = if estimated {
            counted = [self.counted(reading)];
            &counted[..]
        } else {
            &reading.parts
        };
        let mut flags = UsageFlags { estimated, ..reading.flags };
        match self.charge(parts).and_then(|charge| self.within_holds(charge, parts)) {
            Ok(Charge { usage, .. }) if reading.refused_empty => Priced { usage, flags, bill: self.free() },
            Ok(Charge { bill, usage, flags: doubts, unpriced }) => {
                if unpriced {
                    tracing::error!(request_id = %self.facts.id, "served at terms without a price; the nearest price was taken");
                }
                flags.unknown_model |= doubts.unknown_model;
                flags.clamped |= doubts.clamped;
                Priced { usage, flags, bill }
            }
            Err(error) => {
                tracing::error!(request_id = %self.facts.id, %error, "usage cannot be priced; the hold is charged");
                flags.clamped = true;
                Priced { usage: Usage::default(), flags, bill: Bill { charge: self.held, ..self.free() } }
            }
        }
    }

    fn charge(&self, parts: &[UsagePart]) -> Result<Charge, PriceError> {
        let facts = &self.facts;
        charge(&ChargeRequest {
            sheet: &facts.sheet,
            routed: &facts.model,
            ask: &self.ask,
            parts,
            margin: facts.margin,
        })
    }

    /// Impossible numbers are charged at most with what was set aside.
    fn within_holds(&self, charge: Charge, parts: &[UsagePart]) -> Result<Charge, PriceError> {
        let left = self.held.checked_sub(self.used_by_stages()).unwrap_or(Money::ZERO);
        if !charge.flags.clamped || charge.bill.charge <= left {
            return Ok(charge);
        }
        tracing::error!(request_id = %self.facts.id, "the provider reported impossible usage");
        let covered: Vec<_> = parts.iter().map(|part| self.cover(part.clone())).collect();
        let Charge { bill, usage, flags: _, unpriced } = self.charge(&covered)?;
        Ok(Charge { bill, usage, unpriced, flags: charge.flags })
    }

    /// The part of a usage that the holds cover.
    fn cover(&self, part: UsagePart) -> UsagePart {
        let usage = part.usage.at_most(self.ask.input_tokens, self.covered, self.ask.web_searches);
        UsagePart { usage, ..part }
    }

    /// Our own count, at most what the holds cover: an estimate is never charged above them.
    fn counted(&self, reading: &Reading) -> UsagePart {
        self.cover(reading.estimate(self.prompt_tokens))
    }

    fn free(&self) -> Bill {
        Bill {
            version: self.facts.sheet.version,
            margin: self.facts.margin,
            lines: Vec::new(),
            charge: Money::ZERO,
        }
    }
}

struct Priced {
    usage: Usage,
    flags: UsageFlags,
    bill: Bill,
}

/// What a tab was before it turned to another model.
pub(super) struct Turn {
    model: Arc<PricedModel>,
    ask: Ask,
    covered: u64,
    prompt_tokens: u64,
}

/// What became of an answer that no provider cut short: whether the client has left meanwhile, and whether the
/// usage is known.
pub(super) const fn completed((client_left, is_known): (bool, bool)) -> Outcome {
    match (client_left, is_known) {
        (false, true) => Outcome::Completed,
        (false, false) => Outcome::CompletedEstimated,
        (true, true) => Outcome::ClientDisconnected,
        (true, false) => Outcome::ClientDisconnectedEstimated,
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
}
