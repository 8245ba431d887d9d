//! What can be asked of the writer, and which rows each wish needs.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, HoldId, RequestId, TransferId};
use crate::ledger::books::{Books, SweptRequest};
use crate::ledger::{
    Entry, ExternalId, Hold, LedgerAccount, LedgerError, LimitChange, ReserveRequest, Reserving,
    SettleRequest, Settlement, VoidRequest,
};
use crate::money::Money;

/// One operation on the books.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Reserve(Box<ReserveRequest>),
    Settle(Box<SettleRequest>),
    Void(Box<VoidRequest>),
    Progress { hold: HoldId, used: Money },
    Post(Vec<Entry>),
    SetReserving { account: AccountId, reserving: Reserving },
    Sweep { account: AccountId, request: RequestId, at: Timestamp },
    Lapse { account: AccountId, at: Timestamp },
    ChangeLimit(LimitChange),
}

/// Its result.
#[derive(Debug)]
pub(super) enum Answer {
    Reserved(Hold),
    Settled(Settlement),
    Swept(SweptRequest),
    /// How much lapsed.
    Lapsed(Money),
    Done,
}

/// The results of a batch, in its order.
pub(super) type Answers = Vec<Result<Answer, LedgerError>>;

/// The rows that a batch needs, each set in order, so that every transaction locks in one order.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// People whose accounts are locked.
    pub(super) people: BTreeSet<AccountId>,
    /// Those of them whose accounts are made if they are not there.
    pub(super) changed: BTreeSet<AccountId>,
    pub(super) keys: BTreeSet<ApiKeyId>,
    /// Requests whose record is needed.
    pub(super) requests: BTreeSet<RequestId>,
    /// Requests whose open holds are needed.
    pub(super) closing: BTreeSet<RequestId>,
    /// Holds that are to be made.
    pub(super) new_holds: BTreeSet<HoldId>,
    /// Holds that are named.
    pub(super) holds: BTreeSet<HoldId>,
    /// Holds that are needed only if they are open.
    pub(super) running: BTreeSet<HoldId>,
    /// Transfers that postings repeat or reverse.
    pub(super) transfers: BTreeSet<TransferId>,
    /// Names of causes outside the ledger.
    pub(super) externals: Vec<(&'static str, ExternalId)>,
    /// Whether floors of holds count, which others raise without a trace on any account.
    pub(super) floors: bool,
}

impl Operation {
    /// Adds the rows that this operation needs.
    pub(super) fn name(&self, named: &mut Named) {
        match self {
            Self::Reserve(request) => {
                named.people.insert(request.account);
                named.keys.insert(request.key);
                named.requests.insert(request.request);
                named.new_holds.insert(request.id);
            }
            Self::Settle(request) => {
                let record = &request.record;
                named.keys.insert(record.key);
                named.close(record.account, record.id, &request.holds);
            }
            Self::Void(request) => {
                named.keys.extend(request.record.as_ref().map(|record| record.key));
                named.close(request.account, request.request, &request.holds);
            }
            Self::Progress { hold, used: _ } => {
                named.running.insert(*hold);
            }
            Self::Post(entries) => entries.iter().for_each(|entry| named.post(entry)),
            Self::SetReserving { account, reserving: _ }
            | Self::Lapse { account, at: _ }
            | Self::ChangeLimit(LimitChange { account, .. }) => {
                named.people.insert(*account);
                named.changed.insert(*account);
            }
            Self::Sweep { account, request, at: _ } => {
                named.close(*account, *request, &[]);
                named.floors = true;
            }
        }
    }

    /// Runs the operation on the books.
    pub(super) fn run(&self, books: &mut Books) -> Result<Answer, LedgerError> {
        match self {
            Self::Reserve(request) => books.reserve(request).map(Answer::Reserved),
            Self::Settle(request) => books.settle(request).map(Answer::Settled),
            Self::Void(request) => books.void(request).map(Answer::Settled),
            Self::Progress { hold, used } => {
                books.progress(*hold, *used);
                Ok(Answer::Done)
            }
            Self::Post(entries) => books.post(entries).map(|()| Answer::Done),
            Self::SetReserving { account, reserving } => {
                books.set_reserving(*account, *reserving);
                Ok(Answer::Done)
            }
            Self::Sweep { account: _, request, at } => books.sweep(*request, *at).map(Answer::Swept),
            Self::Lapse { account, at } => books.lapse(*account, *at).map(Answer::Lapsed),
            Self::ChangeLimit(change) => books.change_limit(*change).map(|()| Answer::Done),
        }
    }

    /// The person whose account decides which writer does it.
    pub(super) fn person(&self) -> Option<AccountId> {
        match self {
            Self::Reserve(request) => Some(request.account),
            Self::Settle(request) => Some(request.record.account),
            Self::Void(request) => Some(request.account),
            Self::SetReserving { account, reserving: _ }
            | Self::Sweep { account, request: _, at: _ }
            | Self::Lapse { account, at: _ }
            | Self::ChangeLimit(LimitChange { account, .. }) => Some(*account),
            Self::Progress { hold: _, used: _ } => None,
            Self::Post(entries) => {
                entries.iter().flat_map(|entry| [entry.debit, entry.credit]).find_map(person_of)
            }
        }
    }
}

impl Named {
    pub(super) fn of(operations: &[&Operation]) -> Self {
        let mut named = Self::default();
        operations.iter().for_each(|operation| operation.name(&mut named));
        named
    }

    fn close(&mut self, account: AccountId, request: RequestId, holds: &[HoldId]) {
        self.people.insert(account);
        self.changed.insert(account);
        self.requests.insert(request);
        self.closing.insert(request);
        self.holds.extend(holds);
    }

    fn post(&mut self, entry: &Entry) {
        for person in [entry.debit, entry.credit].into_iter().filter_map(person_of) {
            self.people.insert(person);
            self.changed.insert(person);
        }
        self.transfers.insert(entry.id);
        self.transfers.extend(entry.reverses);
        self.externals.extend(entry.external.clone().map(|external| (entry.kind.as_str(), external)));
    }
}

const fn person_of(account: LedgerAccount) -> Option<AccountId> {
    match account {
        LedgerAccount::Paid(person) | LedgerAccount::Promo(person) => Some(person),
        LedgerAccount::UsageRevenue(_)
        | LedgerAccount::StripeClearing
        | LedgerAccount::Bank
        | LedgerAccount::TaxPayable
        | LedgerAccount::StripeFees
        | LedgerAccount::ProviderCost
        | LedgerAccount::ProviderPayable(_)
        | LedgerAccount::PromoExpense
        | LedgerAccount::DisputeFees
        | LedgerAccount::DisputeSuspense
        | LedgerAccount::Rounding
        | LedgerAccount::UsageLoss
        | LedgerAccount::Breakage => None,
    }
}
