//! What every store of deletions must do, and what an erasure with it must come to.

use std::sync::Arc;
use std::time::Duration;

use super::{Factory, cents};
use crate::account::{Account, AccountState, AccountStore, Consent, EmailAddress};
use crate::audit::AuditActor;
use crate::auth::{
    Device, FailureCounter, Identity, IdentityStore, KeyEvent, NewSession, SecurityEvent, SecurityEventKind,
    SecurityLog, Session, SessionLife, SessionStore, Ticket, TicketPurpose, TicketStore, TokenDigest,
};
use crate::clock::Clock;
use crate::id::{
    AccountId, ApprovalId, DeletionId, ExportId, IdentityId, NoticeId, SecurityEventId, SessionId, TopUpId,
};
use crate::keys::{ApiKey, KeyCreation, KeyCreations, KeyStore};
use crate::ledger::{AccountLimits, Audit, Entry, Ledger, LimitChange, ListRequests, Promotion, RequestLog};
use crate::money::Money;
use crate::notify::{
    DedupKey, KeyLabel, Notice, NoticeFilter, NoticeKind, Outbox, Outgoing, PolicyKind, SpendSpan,
};
use crate::operator::{Approval, ApprovalState, ApprovalStore, GrantTerms, Matter};
use crate::payment::{
    AlertChannel, AlertStore, AlertWish, CardUse, Checkout, Decline, DeclineStore, DepartedPayer,
    DepartedPayers, PayerStore, RechargeChange, RechargePlan, RechargeStore, SpendAlertStore, SpendAlertWish,
    TopUp, TopUpState, TopUpStore,
};
use crate::privacy::{
    Deletion, DeletionState, DeletionStore, EXPORT_LIFE, ErasedRows, Erasure, ErasureParts, ErasureProgress,
    ErasureReceipt, Export, ExportStore, Obstacle, Tombstone, UnusedCredit, WAIT_MAX,
};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<World>` that makes empty stores; `None` skips the case,
/// after the function has printed why.
#[macro_export]
macro_rules! deletion_conformance {
    ($new_world:path) => {
        $crate::deletion_conformance! {
            @cases $new_world:
            an_account_has_one_deletion_until_it_is_cancelled
            what_has_begun_goes_on
            sec_t54_nothing_personal_is_left_and_the_books_stay_right
            sec_t54_an_interrupted_erasure_comes_to_the_same_end
            sec_t54_a_tombstone_finds_an_account_that_came_back
            an_erasure_waits_for_what_is_under_way
            sec_t54_a_payer_who_has_left_waits_until_the_card_company_has_forgotten_it
        }
    };
    (@cases $new_world:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(world) = $new_world().await {
                    $crate::testing::deletion::$case(world).await;
                }
            }
        )+
    };
}

/// Stores that know people, all on one backend.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the store that it is called after")]
pub struct World {
    pub deletions: Arc<dyn DeletionStore>,
    pub accounts: Arc<dyn AccountStore>,
    pub keys: Arc<dyn KeyStore>,
    pub creations: Arc<dyn KeyCreations>,
    pub identities: Arc<dyn IdentityStore>,
    pub sessions: Arc<dyn SessionStore>,
    pub tickets: Arc<dyn TicketStore>,
    pub failures: Arc<dyn FailureCounter>,
    pub security_log: Arc<dyn SecurityLog>,
    pub ledger: Arc<dyn Ledger>,
    pub audit: Arc<dyn Audit>,
    pub requests: Arc<dyn RequestLog>,
    pub top_ups: Arc<dyn TopUpStore>,
    pub payers: Arc<dyn PayerStore>,
    pub departed: Arc<dyn DepartedPayers>,
    pub account_limits: Arc<dyn AccountLimits>,
    pub alerts: Arc<dyn AlertStore>,
    pub spend_alerts: Arc<dyn SpendAlertStore>,
    pub recharges: Arc<dyn RechargeStore>,
    pub declines: Arc<dyn DeclineStore>,
    pub approvals: Arc<dyn ApprovalStore>,
    pub outbox: Arc<dyn Outbox>,
    pub exports: Arc<dyn ExportStore>,
    pub factory: Arc<Factory>,
}

/// What a search after the erasure must not find.
pub const SECRETS: [&str; 8] = [
    "rosalind.weiss@example.com",
    "Rosalind Weiss",
    "laptop of Rosalind",
    "rosalind-elsewhere",
    "203.0.113.0/24",
    "cus_rosalind",
    "thanks-rosalind",
    LIMIT,
];

/// The monthly limit of the person, in nano-USD.
const LIMIT: &str = "87654321012";

const DAY: Duration = Duration::from_hours(24);

impl World {
    fn id<T>(&self, make: impl Fn(&dyn Clock, &dyn crate::id::Entropy) -> T) -> T {
        make(self.factory.clock().as_ref(), self.factory.entropy())
    }

    /// What erases here.
    pub fn erasure(&self) -> Erasure {
        let clock: Arc<dyn Clock> = Arc::<crate::clock::ManualClock>::clone(self.factory.clock());
        let entropy = super::SeededEntropy::new(self.factory.entropy().next_u64());
        Erasure::new(ErasureParts {
            deletions: Arc::clone(&self.deletions),
            accounts: Arc::clone(&self.accounts),
            ledger: Arc::clone(&self.ledger),
            top_ups: Arc::clone(&self.top_ups),
            outbox: Arc::clone(&self.outbox),
            tombstones: None,
            clock,
            entropy: Arc::new(entropy),
        })
    }

    /// A person of whom every store knows something.
    pub async fn person(&self, email: &str) -> Account {
        let factory = &self.factory;
        let email: EmailAddress = email.parse().expect("the address is well-formed");
        let name = Some("Rosalind Weiss".to_owned());
        let account = Account { email, name, ..factory.account() };
        let (id, now) = (account.id, factory.now());
        let consent = Consent {
            account: id,
            kind: PolicyKind::Privacy,
            version: "2026-11-26".to_owned(),
            locale: account.locale,
            digest: "00".repeat(32),
            at: now,
        };
        self.accounts.insert(account.clone(), &[consent]).await.expect("the account is new");
        let (_plain, key) = factory.api_key(id);
        let key = ApiKey { name: "laptop of Rosalind".to_owned(), ..key };
        self.keys.insert(key.clone()).await.expect("the key is new");
        let digest = |byte: u64| {
            let mut bytes = [0; 32];
            crate::id::Entropy::fill(factory.entropy(), &mut bytes);
            bytes[0] = byte.to_le_bytes()[0];
            bytes
        };
        let creation = KeyCreation { account: id, token: digest(1), wish: digest(2), key: key.id, at: now };
        self.creations.begin(creation).await.expect("the store is available");
        self.signs_in(&account, TokenDigest::from_bytes(digest(3))).await;
        let ticket = Ticket {
            digest: TokenDigest::from_bytes(digest(4)),
            account: id,
            purpose: TicketPurpose::CancelDeletion,
            email: account.email.clone(),
            issued_at: now,
            expires_at: now.plus(DAY),
        };
        self.tickets.issue(ticket).await.expect("the ticket is new");
        self.pays(&account, &key).await;
        let label = KeyLabel { name: key.name.clone(), last4: key.last4.clone() };
        self.is_told(&account, Notice::KeyCreated { key: label, at: now }).await;
        let export = Export {
            id: self.id(ExportId::generate),
            account: id,
            session: Some(self.id(SessionId::generate)),
            created_at: now,
            expires_at: now.plus(EXPORT_LIFE),
            fetched_at: None,
        };
        self.exports.insert(export).await.expect("the export is new");
        account
    }

    async fn signs_in(&self, account: &Account, token: TokenDigest) {
        let network = "203.0.113.0/24".parse().ok();
        let id = self.id(SessionId::generate);
        let new = NewSession { id, account: account.id, life: SessionLife::Long, token };
        let session = Session { network, ..Session::begin(new, self.factory.now()) };
        self.sessions.open(session).await.expect("the session is new");
        let identity = Identity {
            id: self.id(IdentityId::generate),
            account: account.id,
            issuer: "https://accounts.example.com".to_owned(),
            subject: format!("rosalind-elsewhere-{}", account.email.expose()),
            created_at: self.factory.now(),
        };
        self.identities.link(identity).await.expect("the identity is new");
        self.failures.count(account.id, self.factory.now()).await.expect("the store is available");
        let event = SecurityEvent {
            id: self.id(SecurityEventId::generate),
            account: account.id,
            kind: SecurityEventKind::SignedIn,
            device: Device::UNKNOWN,
            network,
            request: Some(self.factory.request_id()),
            key: Some(KeyEvent { id: self.factory.key_id(), session: Some(id), changed: Vec::new() }),
            at: self.factory.now(),
        };
        self.security_log.record(event).await.expect("the store is available");
    }

    /// Buys, is given, and uses credit: 3.50 USD are left.
    async fn pays(&self, account: &Account, key: &ApiKey) {
        let (factory, id) = (&self.factory, account.id);
        let payer = "cus_rosalind".parse().expect("the name is well-formed");
        self.payers.keep(id, payer).await.expect("the store is available");
        let alert = AlertWish { threshold: cents(500), channel: AlertChannel::Mail };
        let plan = RechargePlan { threshold: cents(100), amount: cents(500), monthly_max: cents(5_000) };
        let card = "pm_rosalind".parse().expect("the name is well-formed");
        let change = RechargeChange::SwitchOn { plan, card, at: factory.now() };
        self.recharges.change(id, change).await.expect("the store is available");
        self.alerts.set(id, alert).await.expect("the store is available");
        let (span, channel) = (SpendSpan::Month, AlertChannel::Mail);
        let budget = SpendAlertWish { span, amount: cents(9_000), channel, at: factory.now() };
        self.spend_alerts.set(id, budget).await.expect("the store is available");
        let limit = LIMIT.parse().map(Money::from_nanos).ok();
        let change = LimitChange { account: id, was: None, limit };
        self.account_limits.change(change).await.expect("there was no limit");
        let top_up = TopUp { state: TopUpState::Closed, ..self.purchase(id) };
        self.top_ups.insert(top_up).await.expect("the purchase is new");
        let refused = format!("evt_{id}").parse().expect("the name is well-formed");
        let decline = Decline { id: refused, account: id, at: factory.now() };
        self.declines.note(decline).await.expect("the store is available");
        let promotion = Promotion {
            id: factory.transfer_id(),
            account: id,
            amount: cents(100),
            external: format!("thanks-rosalind:{id}").parse().ok(),
            expires_at: None,
            at: factory.now(),
        };
        let transfer = factory.transfer_id();
        let terms = GrantTerms { transfer, account: id, amount: cents(20_000), expires_at: None };
        let asked = Approval {
            id: self.id(ApprovalId::generate),
            name: transfer.as_uuid(),
            matter: Matter::Credit(terms),
            reason: "thanks-rosalind".parse().expect("the reason is one line"),
            asked_by: AuditActor::System,
            asked_at: factory.now(),
            state: ApprovalState::Waiting,
        };
        self.approvals.ask(asked).await.expect("the posting is new");
        let postings = vec![factory.top_up(id, cents(300)), Entry::grant(promotion)];
        self.ledger.post(postings).await.expect("the postings are sound");
        let reserve = crate::ledger::ReserveRequest { key: key.id, ..factory.reserve(id, cents(90)) };
        let _hold = self.ledger.reserve(reserve.clone()).await.expect("the balance covers it");
        self.ledger.settle(factory.settle(&reserve, cents(50))).await.expect("the hold is open");
    }

    fn purchase(&self, account: AccountId) -> TopUp {
        TopUp {
            id: self.id(TopUpId::generate),
            account,
            amount: cents(300),
            state: TopUpState::Open,
            request: None,
            card: CardUse::Once,
            checkout: None,
            dispute: None,
            created_at: self.factory.now(),
        }
    }

    async fn is_told(&self, account: &Account, notice: Notice) {
        let id = self.id(NoticeId::generate);
        let message = Outgoing {
            id,
            account: Some(account.id),
            to: account.email.clone(),
            locale: account.locale,
            dedup: DedupKey::of(notice.kind(), &[&id.to_string()]),
            notice,
            at: self.factory.now(),
        };
        self.outbox.put(message).await.expect("the outbox is available");
    }

    /// A wish that is due.
    pub async fn wish(&self, account: AccountId, unused_credit: UnusedCredit) -> Deletion {
        // Receipts are told apart by time.
        self.factory.clock().advance(Duration::from_millis(1));
        let now = self.factory.now();
        let deletion = Deletion {
            id: self.id(DeletionId::generate),
            account,
            unused_credit,
            frozen_at: None,
            asked_at: now,
            erase_at: now,
            state: DeletionState::Waiting,
        };
        self.deletions.ask(deletion).await.expect("the store is available")
    }

    async fn plan(&self, account: AccountId) -> Vec<String> {
        let plan = self.deletions.plan(account).await.expect("the store is available");
        plan.into_iter().map(|rows| rows.table).collect()
    }

    async fn erase(&self, deletion: &Deletion) -> ErasureReceipt {
        match self.erasure().run(deletion).await.expect("the stores are available") {
            ErasureProgress::Done(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    async fn assert_gone(&self, account: &Account) {
        let id = account.id;
        assert_eq!(self.plan(id).await, Vec::<String>::new());
        assert!(self.accounts.find(id).await.expect("the store is available").is_none());
        assert!(self.accounts.find_by_email(&account.email).await.expect("the store is available").is_none());
        assert_eq!(self.ledger.balance(id).await.expect("the ledger is available").posted, Money::ZERO);
        let list = ListRequests { account: id, key: None, before: None, limit: 10 };
        assert_eq!(self.requests.list(list).await.expect("the ledger is available"), []);
        assert_eq!(self.audit.verify().await.expect("the ledger is available"), []);
    }
}

/// Asking again changes nothing; what was cancelled can be asked for anew.
pub async fn an_account_has_one_deletion_until_it_is_cancelled(world: World) {
    let account = world.factory.account_id();
    assert_eq!(world.deletions.find(account).await.expect("the store is available"), None);
    assert!(!world.deletions.cancel(account).await.expect("the store is available"));
    let first = world.wish(account, UnusedCredit::Refund).await;
    let second = world.wish(account, UnusedCredit::Forfeit).await;
    assert_eq!(first, second);
    assert_eq!(world.deletions.find(account).await.expect("the store is available"), Some(first));
    assert_eq!(world.deletions.open(10).await.expect("the store is available"), [first]);
    assert!(world.deletions.cancel(account).await.expect("the store is available"));
    assert!(!world.deletions.cancel(account).await.expect("the store is available"));
    let third = world.wish(account, UnusedCredit::Forfeit).await;
    assert_ne!(third.id, first.id);
    let done = world.erasure().run(&first).await.expect("the stores are available");
    assert!(!matches!(done, ErasureProgress::Done(_)), "a deletion that was cancelled does not begin");
}

/// Not before it is due; from then on nobody cancels it, and nothing of it is made twice.
pub async fn what_has_begun_goes_on(world: World) {
    let account = world.person("someone@example.org").await;
    let now = world.factory.now();
    let later = Deletion { erase_at: now.plus(DAY), ..world.wish(account.id, UnusedCredit::Forfeit).await };
    world.deletions.cancel(account.id).await.expect("the store is available");
    let deletion = world.deletions.ask(later).await.expect("the store is available");
    let erasure = world.erasure();
    let early = erasure.advance(&deletion, now).await.expect("the stores are available");
    assert_eq!(early, ErasureProgress::NotDue);
    world.factory.clock().advance(DAY);
    let now = world.factory.now();
    let begun = erasure.advance(&deletion, now).await.expect("the stores are available");
    assert_eq!(begun, ErasureProgress::More);
    assert!(!world.deletions.cancel(account.id).await.expect("the store is available"));
    let closed = world.accounts.find(account.id).await.expect("the store is available");
    let closed = closed.expect("the account goes last");
    assert!(matches!(closed.state, AccountState::Closed { .. }), "nobody signs in any more");
    let receipt = world.erase(&deletion).await;
    let tombstones = world.deletions.tombstones(10).await.expect("the store is available");
    assert_eq!(tombstones.len(), 1);
    let again = world.erasure().run(&deletion).await.expect("the stores are available");
    assert_eq!(again, ErasureProgress::NotDue, "the second time there is nothing to do");
    let receipts = world.deletions.receipts(None, 10).await.expect("the store is available");
    assert_eq!(receipts, [receipt]);
}

/// What is left says nothing of the person; a neighbour keeps everything.
pub async fn sec_t54_nothing_personal_is_left_and_the_books_stay_right(world: World) {
    let account = world.person(SECRETS[0]).await;
    let neighbour = world.person("neighbour@example.org").await;
    let before = world.plan(neighbour.id).await;
    assert!(before.len() >= world.deletions.tables().len(), "the person is in every table: {before:?}");
    let deletion = world.wish(account.id, UnusedCredit::Forfeit).await;
    let receipt = world.erase(&deletion).await;
    world.assert_gone(&account).await;
    assert_eq!(world.plan(neighbour.id).await, before);
    let paid = world.ledger.balance(neighbour.id).await.expect("the ledger is available").paid;
    assert_eq!((receipt.paid_left, paid), (cents(300), cents(300)), "usage burns grants first");
    assert_eq!(receipt.payer.as_deref(), Some("cus_rosalind"), "to be deleted at the card company");
    let named: Vec<&str> = receipt.tables.iter().map(|rows| rows.table.as_str()).collect();
    assert!(world.deletions.tables().iter().all(|table| named.contains(table)), "{named:?}");
    let is_told =
        |rows: &ErasedRows| rows.rows > 0 || ["usage_rollups", "refunds"].contains(&rows.table.as_str());
    assert!(receipt.tables.iter().all(is_told), "{:?}", receipt.tables);
    assert_eq!(receipt.digest().len(), 64);
    assert!(!receipt.text().contains(&account.id.to_string()));
    let list = NoticeFilter { account: None, kind: None, before: None, limit: 10 };
    let notices = world.outbox.list(list).await.expect("the outbox is available");
    let kinds: Vec<_> = notices.iter().map(|notice| (notice.kind, notice.account)).collect();
    assert!(kinds.contains(&(NoticeKind::DeletionDone, None)), "{kinds:?}");
    let again = world.person(SECRETS[0]).await;
    assert_ne!(again.id, account.id, "the address is free");
}

/// Whatever was done when the process ended, and done twice.
pub async fn sec_t54_an_interrupted_erasure_comes_to_the_same_end(world: World) {
    let whole = world.person("whole@example.org").await;
    let expected = world.erase(&world.wish(whole.id, UnusedCredit::Forfeit).await).await;
    for stop in 0..=world.deletions.tables().len() + 1 {
        let account = world.person(&format!("person{stop}@example.org")).await;
        let mut deletion = world.wish(account.id, UnusedCredit::Forfeit).await;
        for _step in 0..stop {
            let now = world.factory.now();
            world.erasure().advance(&deletion, now).await.expect("the stores are available");
        }
        if let Some(table) = world.deletions.tables().get(stop.saturating_sub(1)).filter(|_table| stop > 0) {
            // The transaction of the last step was committed, and then done once more.
            world.deletions.erase(&deletion, table).await.expect("a table is erased any number of times");
        }
        if let Some(kept) = world.deletions.find(account.id).await.expect("the store is available") {
            deletion = kept;
            world.erase(&deletion).await;
        }
        let receipts = world.deletions.receipts(None, 1).await.expect("the store is available");
        assert_eq!(receipts[0].id, deletion.id);
        assert_eq!(receipts[0].tables, expected.tables, "interrupted after {stop} steps");
        world.assert_gone(&account).await;
    }
}

/// A restored database has the account again, and the list of tombstones knows it.
pub async fn sec_t54_a_tombstone_finds_an_account_that_came_back(world: World) {
    let account = world.person(SECRETS[0]).await;
    world.erase(&world.wish(account.id, UnusedCredit::Forfeit).await).await;
    let other = world.person("other@example.org").await;
    world.erase(&world.wish(other.id, UnusedCredit::Forfeit).await).await;
    world.accounts.insert(account.clone(), &[]).await.expect("as a backup has it");
    let stays = world.person("stays@example.org").await;
    let tombstones = world.deletions.tombstones(10).await.expect("the store is available");
    assert_eq!(tombstones.len(), 2);
    assert_eq!(tombstones[0].key, tombstones[1].key, "one HMAC for each account is enough");
    let found = world.erasure().raised(&tombstones).await.expect("the stores are available");
    assert_eq!(found, [account.id]);
    assert_eq!(tombstones[1], Tombstone::of(account.id, tombstones[1].key));
    world.erase(&world.wish(account.id, UnusedCredit::Forfeit).await).await;
    world.assert_gone(&account).await;
    assert!(world.accounts.find(stays.id).await.expect("the store is available").is_some());
}

/// Added with the erasure, once; each failure is counted and lets it wait.
pub async fn sec_t54_a_payer_who_has_left_waits_until_the_card_company_has_forgotten_it(world: World) {
    let account = world.person(SECRETS[0]).await;
    let now = world.factory.now();
    let due = async |at| world.departed.due(at, 10).await.expect("the store is available");
    assert_eq!(due(now).await, []);
    let deletion = world.wish(account.id, UnusedCredit::Forfeit).await;
    world.erase(&deletion).await;
    world.deletions.erase(&deletion, "payers").await.expect("a table is erased any number of times");
    let payer: crate::ledger::ExternalId = "cus_rosalind".parse().expect("the name is well-formed");
    let waits = |failures| [DepartedPayer { payer: payer.clone(), failures }];
    assert_eq!(due(now).await, waits(0));
    let other: crate::ledger::ExternalId = "cus_other".parse().expect("the name is well-formed");
    world.departed.forget(&other).await.expect("the store is available");
    world.departed.postpone(&other, now.plus(DAY)).await.expect("the store is available");
    world.departed.postpone(&payer, now.plus(DAY)).await.expect("the store is available");
    assert_eq!(due(now.plus(DAY - Duration::from_millis(1))).await, []);
    assert_eq!(due(now.plus(DAY)).await, waits(1));
    assert_eq!(world.departed.due(now.plus(DAY), 0).await.expect("the store is available"), []);
    for _ in 0..2 {
        world.departed.forget(&payer).await.expect("the store is available");
        assert_eq!(due(now.plus(DAY)).await, []);
    }
}

/// A request that runs will be charged; a payment may come; a refund is owed. Two weeks are enough.
pub async fn an_erasure_waits_for_what_is_under_way(world: World) {
    let account = world.person("busy@example.org").await;
    let reserve = world.factory.reserve(account.id, cents(1));
    let _hold = world.ledger.reserve(reserve.clone()).await.expect("the balance covers it");
    let purchase = world.purchase(account.id);
    world.top_ups.insert(purchase.clone()).await.expect("the purchase is new");
    let external = world.factory.external("cs_");
    let checkout = Checkout { external, url: "https://pay.example.com/1".to_owned() };
    world.top_ups.attach(purchase.id, checkout).await.expect("the purchase is open");
    let deletion = world.wish(account.id, UnusedCredit::Refund).await;
    let run = async || world.erasure().run(&deletion).await.expect("the stores are available");
    assert_eq!(run().await, ErasureProgress::Waits(Obstacle::OpenPayment));
    world.top_ups.advance(purchase.id, TopUpState::Closed).await.expect("the purchase is open");
    assert_eq!(run().await, ErasureProgress::Waits(Obstacle::RefundOwed));
    world.factory.clock().advance(WAIT_MAX);
    assert_eq!(run().await, ErasureProgress::Waits(Obstacle::RunningRequest));
    assert!(world.deletions.cancel(account.id).await.expect("the store is available"), "it has not begun");
    let deletion = world.deletions.ask(deletion).await.expect("the store is available");
    world.ledger.settle(world.factory.settle(&reserve, cents(1))).await.expect("the hold is open");
    let receipt = world.erase(&deletion).await;
    assert_eq!((receipt.unused_credit, receipt.paid_left), (UnusedCredit::Refund, cents(300)));
    world.assert_gone(&account).await;
}
