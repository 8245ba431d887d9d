//! What is in an archive, file by file.

use uuid::Uuid;

use super::packer::{FileKind, Form, LINES, Packer, csv};
use super::rows::{
    BillingView, DAY_COLUMNS, ExportedIdentity, ExportedKey, MessageView, PurchaseView, RefundView,
    usage_days,
};
use super::{Archive, ArchiveError, readme};
use crate::auth::ListSecurityEvents;
use crate::clock::Timestamp;
use crate::http::account::billing::alerts::AlertsView;
use crate::http::account::billing::limits::LimitsView;
use crate::http::account::billing::{self, TransactionView};
use crate::http::account::consents::ConsentView;
use crate::http::account::deletion::DeletionView;
use crate::http::account::exports::ExportView;
use crate::http::account::inventory::InventoryView;
use crate::http::account::receipt_view::ReceiptView;
use crate::http::account::usage_view::{KeyNames, REQUEST_COLUMNS, RequestRow};
use crate::http::account::view::{AccountView, SecurityEventView, SessionView};
use crate::id::SessionId;
use crate::keys::ListKeys;
use crate::ledger::{ListRequests, Statement, StatementRequest};
use crate::notify::NoticeFilter;
use crate::payment::{RechargeStatus, TopUpPage};
use crate::privacy::ListExports;
use crate::report::Zone;

/// Rows that are read together.
const PAGE: u32 = 500;

const README: FileKind = FileKind::new("README.txt", Form::Text, "What is in the archive.");
const PROFILE: FileKind =
    FileKind::new("profile.json", Form::Object, "Your account.").of(&["account"]).shaped("Account");
const INVENTORY: FileKind = FileKind::new(
    "inventory.json",
    Form::Object,
    "Everything that is kept, counted: what for, for how long and where; also what has no file.",
)
.of(&["links", "sign_in_failures", "key_requests", "holds", "declines"])
.shaped("DataInventory");
const IDENTITIES: FileKind =
    FileKind::new("identities.json", Form::Array, "Accounts elsewhere by which you sign in.")
        .of(&["identities"])
        .shaped("ExportedIdentity");
const CONSENTS: FileKind =
    FileKind::new("consents.json", Form::Array, "What you agreed to.").of(&["consents"]).shaped("Consent");
const SESSIONS: FileKind =
    FileKind::new("sessions.json", Form::Array, "Where you are signed in, or were a short time ago.")
        .of(&["sessions"])
        .shaped("Session");
const SECURITY_LOG: FileKind = FileKind::new(
    "security-log.ndjson",
    LINES,
    "What happened to the security of the account, newest first.",
)
.of(&["security_log"])
.shaped("SecurityEvent");
const KEYS: FileKind = FileKind::new(
    "keys.json",
    Form::Array,
    "API keys with their limits and what they have spent; the keys themselves are kept nowhere.",
)
.of(&["keys"])
.shaped("ExportedKey");
const USAGE: FileKind =
    FileKind::new("usage.csv", csv(&DAY_COLUMNS), "The request log, summed by day (UTC) and model.")
        .of(&["usage_sums"])
        .shaped("UsageDay");
const USAGE_LINES: FileKind = FileKind { name: "usage.ndjson", form: LINES, ..USAGE };
const REQUESTS: FileKind =
    FileKind::new("requests.csv", csv(&REQUEST_COLUMNS), "The request log, newest first, as a table.")
        .of(&["usage"])
        .shaped("Request");
const RECEIPTS: FileKind = FileKind::new(
    "requests.ndjson",
    LINES,
    "The request log, newest first, with the whole bill of each request.",
)
.of(&["usage"])
.shaped("Receipt");
const LEDGER: FileKind = FileKind::new(
    "ledger.csv",
    Form::Lines(billing::csv::HEAD),
    "What happened to the balance, newest first, with the balance after each.",
)
.of(&["books"])
.shaped("Transaction");
const BILLING: FileKind = FileKind::new(
    "billing.json",
    Form::Object,
    "The balance, your name at the card company, and what you chose about alerts, limits and automatic purchases.",
)
.of(&["books", "payer", "billing_choices"])
.shaped("ExportedBilling");
const PURCHASES: FileKind = FileKind::new(
    "invoices.json",
    Form::Array,
    "Purchases of credit, newest first. The invoices themselves are at the card company.",
)
.of(&["purchases"])
.shaped("ExportedPurchase");
const REFUNDS: FileKind = FileKind::new("refunds.json", Form::Array, "What was paid back.")
    .of(&["purchases"])
    .shaped("ExportedRefund");
const MESSAGES: FileKind = FileKind::new(
    "notifications.json",
    Form::Array,
    "Messages that were sent to you, newest first; their text is not kept.",
)
.of(&["messages"])
.shaped("ExportedMessage");
const EXPORTS: FileKind = FileKind::new("exports.json", Form::Array, "Archives like this one, newest first.")
    .of(&["exports"])
    .shaped("Export");
const DELETION: FileKind =
    FileKind::new("deletion.json", Form::Array, "The deletion of the account, if it was asked for.")
        .of(&["deletions"])
        .shaped("Deletion");
pub(super) const MANIFEST: FileKind =
    FileKind::new("manifest.json", Form::Object, "What is in the archive.").shaped("ExportManifest");

/// Packs a file page by page. `$before` is the identifier at which the page before ended.
macro_rules! paged {
    ($packer:expr, $kind:expr, |$before:ident| $read:expr, |$row:ident| $view:expr) => {{
        let mut file = $packer.open($kind)?;
        let mut $before = None;
        loop {
            let page = $read.await.map_err(ArchiveError::store)?;
            let Some(last) = page.last() else { break };
            $before = Some(last.id);
            for $row in &page {
                $packer.row(&mut file, &$view)?;
            }
            $packer.relay().await?;
        }
        $packer.close(file).await?;
    }};
}

impl Archive {
    /// Every file but the manifest.
    pub(super) async fn fill(&self, packer: &mut Packer) -> Result<(), ArchiveError> {
        let now = self.clock.now();
        packer.text(README, &readme::text(&self.account)).await?;
        self.person(packer, now).await?;
        let names = self.keys(packer, now).await?;
        self.usage(packer, &names).await?;
        self.sums(packer, now).await?;
        self.statement(packer, now).await?;
        self.money(packer, now).await?;
        self.records(packer).await
    }

    async fn person(&self, packer: &mut Packer, now: Timestamp) -> Result<(), ArchiveError> {
        let (stores, account) = (&self.stores, self.account.id);
        packer.file(PROFILE, [AccountView::from(&*self.account)]).await?;
        let holdings = stores.inventory.holdings(account).await.map_err(ArchiveError::store)?;
        let told = (self.account.locale, self.usage_days);
        packer.file(INVENTORY, [InventoryView::of(&holdings, told, now)]).await?;
        let identities = stores.identities.list(account).await.map_err(ArchiveError::store)?;
        packer.file(IDENTITIES, identities.iter().map(ExportedIdentity::from)).await?;
        let consents = stores.consents.list(account).await.map_err(ArchiveError::store)?;
        packer.file(CONSENTS, consents.iter().map(ConsentView::from)).await?;
        let own = self.export.session.unwrap_or_else(|| SessionId::from_uuid(Uuid::nil()));
        let sessions = stores.sessions.list(account).await.map_err(ArchiveError::store)?;
        packer.file(SESSIONS, sessions.iter().map(|session| SessionView::of(session, own))).await?;
        let page =
            |before| stores.security_log.list(ListSecurityEvents { account, key: None, before, limit: PAGE });
        paged!(packer, SECURITY_LOG, |before| page(before), |event| SecurityEventView::from(event));
        Ok(())
    }

    /// Returns what the keys are called.
    async fn keys(&self, packer: &mut Packer, now: Timestamp) -> Result<KeyNames, ArchiveError> {
        let (stores, account) = (&self.stores, self.account.id);
        let mut names = KeyNames::new();
        let page = |before| stores.keys.list(ListKeys { account, before, limit: PAGE });
        paged!(packer, KEYS, |before| page(before), |key| {
            names.insert(key.id, key.name.clone());
            let spend = stores.requests.key_spend(key.id, now).await.map_err(ArchiveError::store)?;
            ExportedKey::of(key, &spend, now)
        });
        Ok(names)
    }

    async fn usage(&self, packer: &mut Packer, names: &KeyNames) -> Result<(), ArchiveError> {
        let (requests, account) = (&self.stores.requests, self.account.id);
        let page = |before| requests.list(ListRequests { account, key: None, before, limit: PAGE });
        paged!(packer, REQUESTS, |before| page(before), |one| RequestRow::of(one, names, &Zone::UTC));
        paged!(packer, RECEIPTS, |before| page(before), |one| ReceiptView::of(one, names));
        Ok(())
    }

    async fn sums(&self, packer: &mut Packer, now: Timestamp) -> Result<(), ArchiveError> {
        let days = usage_days(self.stores.usage.as_ref(), self.account.id, now).await?;
        packer.file(USAGE, &days).await?;
        packer.file(USAGE_LINES, &days).await
    }

    async fn statement(&self, packer: &mut Packer, now: Timestamp) -> Result<(), ArchiveError> {
        let mut file = packer.open(LEDGER)?;
        let mut request = StatementRequest { account: self.account.id, before: None, limit: PAGE, now };
        loop {
            let statement = self.stores.statements.statement(request).await;
            let Statement { lines, next } = statement.map_err(ArchiveError::store)?;
            for line in &lines {
                packer.line(&mut file, &billing::csv::line(TransactionView::from(line)))?;
            }
            packer.relay().await?;
            if next.is_none() {
                break;
            }
            request.before = next;
        }
        packer.close(file).await
    }

    async fn money(&self, packer: &mut Packer, now: Timestamp) -> Result<(), ArchiveError> {
        let (stores, account) = (&self.stores, self.account.id);
        let recharge = stores.recharges.find(account).await.map_err(ArchiveError::store)?;
        let payer = stores.payers.find(account).await.map_err(ArchiveError::store)?;
        let billing = BillingView {
            balance: stores.ledger.balance(account).await.map_err(ArchiveError::store)?.into(),
            payer: payer.map(|payer| payer.to_string()),
            alerts: AlertsView::of(stores, (account, now)).await.map_err(ArchiveError::store)?,
            limits: LimitsView::of(stores, (account, now)).await.map_err(ArchiveError::store)?,
            auto_recharge: RechargeStatus { recharge, confirmation: None, at: now }.into(),
        };
        packer.file(BILLING, [billing]).await?;
        let page = |before| stores.top_ups.list(TopUpPage { account, before, limit: PAGE });
        paged!(packer, PURCHASES, |before| page(before), |top_up| PurchaseView::from(top_up));
        let refunds = stores.refunds.of_account(account).await.map_err(ArchiveError::store)?;
        packer.file(REFUNDS, refunds.iter().map(RefundView::from)).await
    }

    async fn records(&self, packer: &mut Packer) -> Result<(), ArchiveError> {
        let (stores, account) = (&self.stores, self.account.id);
        let page = |before| {
            stores.outbox.list(NoticeFilter { account: Some(account), kind: None, before, limit: PAGE })
        };
        paged!(packer, MESSAGES, |before| page(before), |notice| MessageView::from(notice));
        let now = self.clock.now();
        let page = |before| stores.exports.list(ListExports { account, before, limit: PAGE });
        paged!(packer, EXPORTS, |before| page(before), |export| ExportView::of(export, now));
        let deletion = stores.deletions.find(account).await.map_err(ArchiveError::store)?;
        packer.file(DELETION, deletion.iter().map(DeletionView::from)).await
    }
}
