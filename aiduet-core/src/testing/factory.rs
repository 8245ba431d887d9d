//! Values for tests: the same seed makes the same values.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::account::{Account, AccountState, EmailAddress, Locale, Role};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::dialect::Endpoint;
use crate::duet::{self, RuleKind};
use crate::id::{AccountId, ApiKeyId, Entropy, HoldId, LotId, NodeId, RequestId, TransferId};
use crate::keys::{ApiKey, KeyLimits, KeyState, PlainApiKey, SpendLimits};
use crate::ledger::{
    Entry, EntryKind, ExternalId, HoldOrigin, LedgerAccount, LotTerms, Outcome, RequestRecord,
    ReserveRequest, Routing, SettleRequest, VoidRequest,
};
use crate::money::Money;
use crate::notify::NoticeChoices;
use crate::price::{Bill, LineItem, LineKind, ModelId, Rate};
use crate::provider::Vendor;
use crate::usage::{FinishReason, ServiceTier, TokenClass, Usage, UsageFlags};

/// Randomness that follows from a seed (SplitMix64); never for anything that must be secret.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next number.
    pub fn next_u64(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            for (byte, new) in chunk.iter_mut().zip(bytes) {
                *byte = new;
            }
        }
    }
}

/// Makes identifiers, accounts, keys, postings, reserves and records.
#[derive(Debug)]
pub struct Factory {
    clock: Arc<ManualClock>,
    entropy: SeededEntropy,
    made: AtomicU64,
}

impl Factory {
    /// A factory whose clock stands at noon of Wednesday, 25 November 2026.
    pub fn new(seed: u64) -> Self {
        Self::at(seed, Timestamp::from_millis(1_795_608_000_000))
    }

    /// A factory whose clock stands at `now`.
    pub fn at(seed: u64, now: Timestamp) -> Self {
        Self {
            clock: Arc::new(ManualClock::new(now)),
            entropy: SeededEntropy::new(seed),
            made: AtomicU64::new(0),
        }
    }

    /// The clock, which stands still until it is moved.
    pub const fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The randomness.
    pub const fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn number(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// An account identifier.
    pub fn account_id(&self) -> AccountId {
        AccountId::generate(self.clock.as_ref(), &self.entropy)
    }

    /// A key identifier.
    pub fn key_id(&self) -> ApiKeyId {
        ApiKeyId::generate(self.clock.as_ref(), &self.entropy)
    }

    /// A request identifier.
    pub fn request_id(&self) -> RequestId {
        RequestId::generate(self.clock.as_ref(), &self.entropy)
    }

    /// A node identifier.
    pub fn node_id(&self) -> NodeId {
        NodeId::generate(self.clock.as_ref(), &self.entropy)
    }

    /// A transfer identifier.
    pub fn transfer_id(&self) -> TransferId {
        TransferId::generate(self.clock.as_ref(), &self.entropy)
    }

    /// An active account with a verified address of its own.
    ///
    /// # Panics
    /// Never: the address is well-formed.
    pub fn account(&self) -> Account {
        let address = format!("person-{}-{:016x}@example.com", self.number(), self.entropy.next_u64());
        Account {
            id: self.account_id(),
            email: address.parse::<EmailAddress>().expect("the address is well-formed"),
            email_verified_at: Some(self.now()),
            password: None,
            name: None,
            locale: Locale::En,
            choices: NoticeChoices::default(),
            role: Role::User,
            state: AccountState::Active,
            created_at: self.now(),
        }
    }

    /// An active key without limits, as its owner sees it and as it is stored.
    pub fn api_key(&self, account: AccountId) -> (PlainApiKey, ApiKey) {
        let plain = PlainApiKey::generate(&self.entropy);
        let key = ApiKey {
            id: self.key_id(),
            account,
            hash: plain.hash(),
            prefix: plain.prefix().to_owned(),
            last4: plain.last4().to_owned(),
            name: format!("key {}", self.number()),
            state: KeyState::Active,
            limits: KeyLimits::default(),
            created_at: self.now(),
            expires_at: None,
            last_used_at: None,
        };
        (plain, key)
    }

    /// A name outside the ledger, such as `pi_…`.
    ///
    /// # Panics
    /// If the prefix is not printable ASCII.
    pub fn external(&self, prefix: &str) -> ExternalId {
        let name = format!("{prefix}{:016x}{:08x}", self.entropy.next_u64(), self.number());
        name.parse().expect("the prefix is printable ASCII")
    }

    /// A paid top-up without tax.
    pub fn top_up(&self, account: AccountId, amount: Money) -> Entry {
        Entry {
            id: self.transfer_id(),
            kind: EntryKind::TopUp,
            debit: LedgerAccount::StripeClearing,
            credit: LedgerAccount::Paid(account),
            amount,
            external: Some(self.external("pi_")),
            reverses: None,
            lot: None,
            at: self.now(),
        }
    }

    /// A grant that does not lapse.
    pub fn grant(&self, account: AccountId, amount: Money) -> Entry {
        let id = self.transfer_id();
        Entry {
            id,
            kind: EntryKind::PromoGrant,
            debit: LedgerAccount::PromoExpense,
            credit: LedgerAccount::Promo(account),
            amount,
            external: Some(self.external("campaign_")),
            reverses: None,
            lot: Some(LotTerms { id: LotId::from_uuid(id.as_uuid()), priority: 0, expires_at: None }),
            at: self.now(),
        }
    }

    /// The reversal of a posting, in whole or in part, of a kind such as a refund.
    pub fn reversal(&self, of: &Entry, kind: EntryKind, amount: Money) -> Entry {
        let external = match kind {
            EntryKind::Refund => Some(self.external("re_")),
            EntryKind::Dispute => Some(self.external("dp_")),
            _ => None,
        };
        Entry {
            id: self.transfer_id(),
            kind,
            debit: of.credit,
            credit: of.debit,
            amount,
            external,
            reverses: Some(of.id),
            lot: of.lot,
            at: self.now(),
        }
    }

    /// The first reserve of a new request: no floor, no spend limits, one owner per call.
    pub fn reserve(&self, account: AccountId, amount: Money) -> ReserveRequest {
        let request = self.request_id();
        ReserveRequest {
            id: HoldId::of_request(request, 0),
            request,
            account,
            amount,
            floor: Money::ZERO,
            owner: self.node_id(),
            key: self.key_id(),
            limits: SpendLimits::default(),
            origin: HoldOrigin {
                endpoint: Endpoint::Messages,
                model: model("claude-sonnet-4-6"),
                vendor: Vendor::Anthropic,
                stream: true,
                started_at: self.now(),
            },
            at: self.now(),
        }
    }

    /// The record of a completed request that cost so much.
    pub fn record(&self, of: &ReserveRequest, cost: Money) -> RequestRecord {
        let nanos = u64::try_from(cost.nanos()).unwrap_or_default();
        let line = LineItem {
            stage: None,
            model: of.origin.model.clone(),
            kind: LineKind::Tokens(TokenClass::Output),
            quantity: nanos,
            rate: Rate::from_pico(1_000),
            tier: ServiceTier::Standard,
        };
        RequestRecord {
            id: of.request,
            account: of.account,
            key: of.key,
            endpoint: of.origin.endpoint,
            stream: of.origin.stream,
            model: of.origin.model.clone(),
            vendor: of.origin.vendor,
            upstream_request_id: None,
            started_at: of.origin.started_at,
            first_byte: Some(Duration::from_millis(120)),
            duration: Duration::from_millis(900),
            status: 200,
            outcome: Outcome::Completed,
            finish: Some(FinishReason::Stop),
            usage: Usage { output: nanos, ..Usage::default() },
            flags: UsageFlags::default(),
            bill: Bill { charge: cost, lines: vec![line], ..Bill::default() },
            attempts: Vec::new(),
            duet: Some(Routing { role: duet::Role::Plan.into(), rule: RuleKind::ClientMode }),
        }
    }

    /// The settlement of a request with one hold.
    pub fn settle(&self, of: &ReserveRequest, cost: Money) -> SettleRequest {
        SettleRequest { holds: vec![of.id], record: self.record(of, cost), at: self.now() }
    }

    /// The release of a request with one hold, without a record.
    pub fn void(&self, of: &ReserveRequest) -> VoidRequest {
        VoidRequest {
            account: of.account,
            request: of.request,
            holds: vec![of.id],
            record: None,
            at: self.now(),
        }
    }
}

/// The next reserve of a request that has made `step` so far.
pub fn extension(of: &ReserveRequest, step: u32, amount: Money) -> ReserveRequest {
    let id = HoldId::of_request(of.request, step);
    ReserveRequest { id, amount, floor: Money::ZERO, ..of.clone() }
}

/// A model identifier.
///
/// # Panics
/// If the text is not one.
pub fn model(text: &str) -> ModelId {
    ModelId::parse(text).expect("the text is a model identifier")
}

/// Whole cents.
pub const fn cents(count: i64) -> Money {
    Money::from_nanos(count.saturating_mul(10_000_000))
}
