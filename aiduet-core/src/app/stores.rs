//! Everything that is kept, from one URL.

use std::sync::Arc;

use super::BuildError;
use crate::account::{AccountStore, ConsentStore};
use crate::audit::AuditLog;
use crate::auth::{FailureCounter, IdentityStore, SecurityLog, SessionStore, TicketStore};
use crate::clock::Clock;
use crate::cost::CostComparisonStore;
use crate::jobs::JobStore;
use crate::keys::{EndingKeys, KeyCreations, KeyStore};
use crate::ledger::{
    AccountLimits, Audit, BillReader, Custody, Grants, Journal, Ledger, RequestLog, Statements, UsageReader,
    UsageRetention,
};
use crate::notify::Outbox;
use crate::operator::ApprovalStore;
use crate::payment::{
    AlertStore, DeclineStore, DepartedPayers, PayerStore, RechargeStore, ReconciliationStore, RefundStore,
    SpendAlertStore, TopUpStore,
};
use crate::policy::PublicationStore;
#[cfg(any(feature = "memory", feature = "sea-orm"))]
use crate::price::PublishedPrices;
use crate::price::{PriceBook, PriceEditions, PriceSheet};
use crate::privacy::{DataInventory, DeletionStore, ExportStore};
use crate::settings::DatabaseSettings;
use crate::status::StatusLog;

// Futures of the database driver are nested deeper than the compiler follows in a release build of a
// program that uses them, so each is boxed here.
#[cfg(feature = "sea-orm")]
use crate::backends::sea_orm::{
    Database, DatabaseConfig, DatabaseError, LedgerConfig, MigrationStatus, SeaOrmAccountStore,
    SeaOrmAlertStore, SeaOrmApprovals, SeaOrmAuditLog, SeaOrmCostComparisons, SeaOrmDeclines,
    SeaOrmDeletions, SeaOrmDepartedPayers, SeaOrmExports, SeaOrmFailureCounter, SeaOrmIdentityStore,
    SeaOrmInventory, SeaOrmJobs, SeaOrmKeyCreations, SeaOrmKeyStore, SeaOrmLedger, SeaOrmOutbox,
    SeaOrmPayerStore, SeaOrmPriceEditions, SeaOrmPublications, SeaOrmRechargeStore, SeaOrmReconciliations,
    SeaOrmRefundStore, SeaOrmSecurityLog, SeaOrmSessionStore, SeaOrmSpendAlerts, SeaOrmStatusLog,
    SeaOrmTicketStore, SeaOrmTopUpStore,
};

/// The stores of an application.
#[derive(Clone, Debug)]
pub struct Stores {
    /// API keys.
    pub keys: Arc<dyn KeyStore>,
    /// API keys by their end.
    pub ending_keys: Arc<dyn EndingKeys>,
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// What people agreed to.
    pub consents: Arc<dyn ConsentStore>,
    /// Accounts elsewhere by which people sign in.
    pub identities: Arc<dyn IdentityStore>,
    /// Sign-ins of people on their devices.
    pub sessions: Arc<dyn SessionStore>,
    /// Which request made which key.
    pub creations: Arc<dyn KeyCreations>,
    /// What links of mails prove.
    pub tickets: Arc<dyn TicketStore>,
    /// Wrong passwords in a row.
    pub failures: Arc<dyn FailureCounter>,
    /// What happened to the security of accounts.
    pub security_log: Arc<dyn SecurityLog>,
    /// What operators did.
    pub audit_log: Arc<dyn AuditLog>,
    /// What waits for a second operator.
    pub approvals: Arc<dyn ApprovalStore>,
    /// What was published, and how far people have been told.
    pub publications: Arc<dyn PublicationStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Records of requests.
    pub requests: Arc<dyn RequestLog>,
    /// How much accounts may spend in a month.
    pub account_limits: Arc<dyn AccountLimits>,
    /// The end of promotional credit.
    pub grants: Arc<dyn Grants>,
    /// What happened to balances.
    pub statements: Arc<dyn Statements>,
    /// What was used.
    pub usage: Arc<dyn UsageReader>,
    /// The end of what is kept of it.
    pub usage_retention: Arc<dyn UsageRetention>,
    /// How much is kept about a person.
    pub inventory: Arc<dyn DataInventory>,
    /// Who was given everything that is kept.
    pub exports: Arc<dyn ExportStore>,
    /// Who does which background work.
    pub jobs: Arc<dyn JobStore>,
    /// Who owns which holds.
    pub custody: Arc<dyn Custody>,
    /// Proof that the books are right.
    pub audit: Arc<dyn Audit>,
    /// Prices.
    pub prices: Arc<dyn PriceBook>,
    /// The sheet of prices before those that operators publish.
    pub first_prices: Arc<PriceSheet>,
    /// Sheets of prices that operators draft and publish.
    pub price_editions: Arc<dyn PriceEditions>,
    /// Messages to people.
    pub outbox: Arc<dyn Outbox>,
    /// How everything was.
    pub status: Arc<dyn StatusLog>,
    /// Prepaid purchases.
    pub top_ups: Arc<dyn TopUpStore>,
    /// The card company's names for people.
    pub payers: Arc<dyn PayerStore>,
    /// Payers who have left, and whom the card company is to forget.
    pub departed: Arc<dyn DepartedPayers>,
    /// Low balances of which people want to be told.
    pub alerts: Arc<dyn AlertStore>,
    /// Payments that were refused.
    pub declines: Arc<dyn DeclineStore>,
    /// How much spending people want to be told of.
    pub spend_alerts: Arc<dyn SpendAlertStore>,
    /// Orders to give credit back.
    pub refunds: Arc<dyn RefundStore>,
    /// Postings and accounts of the house.
    pub journal: Arc<dyn Journal>,
    /// What came of holding the books against the card company's records.
    pub reconciliations: Arc<dyn ReconciliationStore>,
    /// What every request cost.
    pub bills: Arc<dyn BillReader>,
    /// What came of holding our records against what providers say.
    pub cost_comparisons: Arc<dyn CostComparisonStore>,
    /// Automatic purchases.
    pub recharges: Arc<dyn RechargeStore>,
    /// Deletions of accounts.
    pub deletions: Arc<dyn DeletionStore>,
    /// What is under them, if it is a database.
    #[cfg(feature = "sea-orm")]
    pub base: Option<Base>,
}

/// The database under the stores.
#[cfg(feature = "sea-orm")]
#[derive(Clone, Debug)]
pub struct Base {
    database: Database,
    ledger: Arc<SeaOrmLedger>,
}

impl Stores {
    /// Opens the database of the settings; does not migrate it.
    ///
    /// # Errors
    /// [`BuildError::UnknownDatabase`], [`BuildError::Database`], [`BuildError::Prices`].
    pub async fn open(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        match settings.url() {
            #[cfg(feature = "memory")]
            "memory:" => memory(clock),
            _ => {
                #[cfg(feature = "sea-orm")]
                return sea_orm(settings, clock).await;
                #[cfg(not(feature = "sea-orm"))]
                {
                    drop(clock);
                    Err(BuildError::UnknownDatabase)
                }
            }
        }
    }

    /// Opens the database of the settings and sees to it that it is migrated.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`BuildError::Database`] when migrations are missing and
    /// `database.migrate_on_start` is off.
    pub async fn ready(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let stores = Self::open(settings, clock).await?;
        if settings.migrate_on_start {
            stores.migrate().await?;
        } else {
            stores.check().await?;
        }
        Ok(stores)
    }

    /// Applies the migrations that are missing.
    ///
    /// # Errors
    /// [`BuildError::Database`].
    pub async fn migrate(&self) -> Result<(), BuildError> {
        #[cfg(feature = "sea-orm")]
        if let Some(Base { database, .. }) = &self.base {
            Box::pin(database.migrate()).await.map_err(unusable)?;
        }
        Ok(())
    }

    /// Succeeds if the database answers and is migrated.
    ///
    /// # Errors
    /// [`BuildError::Database`].
    pub async fn check(&self) -> Result<(), BuildError> {
        #[cfg(feature = "sea-orm")]
        if let Some(Base { database, .. }) = &self.base {
            Box::pin(database.check()).await.map_err(unusable)?;
        }
        Ok(())
    }

    /// Closes the database, after the last settlement.
    ///
    /// # Errors
    /// [`BuildError::Database`].
    pub async fn close(&self) -> Result<(), BuildError> {
        #[cfg(feature = "sea-orm")]
        if let Some(Base { database, ledger }) = &self.base {
            ledger.close().await;
            database.close().await.map_err(unusable)?;
        }
        Ok(())
    }
}

#[cfg(feature = "sea-orm")]
impl Base {
    /// The name of the database system.
    pub fn system(&self) -> &'static str {
        self.database.system()
    }

    /// Which migrations are applied.
    ///
    /// # Errors
    /// [`BuildError::Database`].
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>, BuildError> {
        Box::pin(self.database.status()).await.map_err(unusable)
    }
}

#[cfg(feature = "sea-orm")]
async fn sea_orm(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Stores, BuildError> {
    let url = crate::secret::Secret::new(settings.url().to_owned());
    let config = DatabaseConfig {
        connections: settings.max_connections,
        session: settings.session_settings,
        ..DatabaseConfig::new(url)
    };
    let database = Box::pin(Database::connect(&config)).await.map_err(|error| match error {
        DatabaseError::InvalidUrl => BuildError::UnknownDatabase,
        other => unusable(other),
    })?;
    let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
    let accounts = Arc::new(SeaOrmAccountStore::new(database.clone()));
    let requests: Arc<dyn RequestLog> = Arc::<SeaOrmLedger>::clone(&ledger);
    let usage: Arc<dyn UsageReader> = Arc::<SeaOrmLedger>::clone(&ledger);
    let usage_retention: Arc<dyn UsageRetention> = Arc::<SeaOrmLedger>::clone(&ledger);
    let custody: Arc<dyn Custody> = Arc::<SeaOrmLedger>::clone(&ledger);
    let keys = Arc::new(SeaOrmKeyStore::new(database.clone()));
    let prices = Prices::of(Arc::new(SeaOrmPriceEditions::new(database.clone())), clock)?;
    Ok(Stores {
        keys: Arc::<SeaOrmKeyStore>::clone(&keys),
        ending_keys: keys,
        accounts: Arc::<SeaOrmAccountStore>::clone(&accounts),
        consents: accounts,
        identities: Arc::new(SeaOrmIdentityStore::new(database.clone())),
        sessions: Arc::new(SeaOrmSessionStore::new(database.clone())),
        creations: Arc::new(SeaOrmKeyCreations::new(database.clone())),
        tickets: Arc::new(SeaOrmTicketStore::new(database.clone())),
        failures: Arc::new(SeaOrmFailureCounter::new(database.clone())),
        security_log: Arc::new(SeaOrmSecurityLog::new(database.clone())),
        audit_log: Arc::new(SeaOrmAuditLog::new(database.clone())),
        approvals: Arc::new(SeaOrmApprovals::new(database.clone())),
        publications: Arc::new(SeaOrmPublications::new(database.clone())),
        ledger: Arc::<SeaOrmLedger>::clone(&ledger),
        requests,
        account_limits: Arc::<SeaOrmLedger>::clone(&ledger),
        grants: Arc::<SeaOrmLedger>::clone(&ledger),
        statements: Arc::<SeaOrmLedger>::clone(&ledger),
        usage,
        usage_retention,
        inventory: Arc::new(SeaOrmInventory::new(database.clone())),
        exports: Arc::new(SeaOrmExports::new(database.clone())),
        jobs: Arc::new(SeaOrmJobs::new(database.clone())),
        custody,
        audit: Arc::<SeaOrmLedger>::clone(&ledger),
        prices: prices.book,
        first_prices: prices.first,
        price_editions: prices.editions,
        outbox: Arc::new(SeaOrmOutbox::new(database.clone())),
        status: Arc::new(SeaOrmStatusLog::new(database.clone())),
        top_ups: Arc::new(SeaOrmTopUpStore::new(database.clone())),
        departed: Arc::new(SeaOrmDepartedPayers::new(database.clone())),
        payers: Arc::new(SeaOrmPayerStore::new(database.clone())),
        alerts: Arc::new(SeaOrmAlertStore::new(database.clone())),
        declines: Arc::new(SeaOrmDeclines::new(database.clone())),
        spend_alerts: Arc::new(SeaOrmSpendAlerts::new(database.clone())),
        refunds: Arc::new(SeaOrmRefundStore::new(database.clone())),
        journal: Arc::<SeaOrmLedger>::clone(&ledger),
        reconciliations: Arc::new(SeaOrmReconciliations::new(database.clone())),
        bills: Arc::<SeaOrmLedger>::clone(&ledger),
        cost_comparisons: Arc::new(SeaOrmCostComparisons::new(database.clone())),
        recharges: Arc::new(SeaOrmRechargeStore::new(database.clone())),
        deletions: Arc::new(SeaOrmDeletions::new(database.clone())),
        base: Some(Base { database, ledger }),
    })
}

#[cfg(feature = "sea-orm")]
fn unusable(error: DatabaseError) -> BuildError {
    BuildError::Database { source: Box::new(error) }
}

#[cfg(feature = "memory")]
fn memory(clock: Arc<dyn Clock>) -> Result<Stores, BuildError> {
    use crate::backends::memory::{
        MemoryAccounts, MemoryAuditLog, MemoryCostComparisons, MemoryDeletions, MemoryInventory, MemoryJobs,
        MemoryKeys, MemoryLedger, MemoryPayers, MemoryPeople, MemoryPriceEditions, MemoryPublications,
        MemoryReconciliations, MemoryStatusLog,
    };
    let prices = Prices::of(Arc::new(MemoryPriceEditions::default()), Arc::clone(&clock))?;
    let ledger = Arc::new(MemoryLedger::new(clock));
    let requests: Arc<dyn RequestLog> = Arc::<MemoryLedger>::clone(&ledger);
    let usage: Arc<dyn UsageReader> = Arc::<MemoryLedger>::clone(&ledger);
    let usage_retention: Arc<dyn UsageRetention> = Arc::<MemoryLedger>::clone(&ledger);
    let custody: Arc<dyn Custody> = Arc::<MemoryLedger>::clone(&ledger);
    let audit: Arc<dyn Audit> = Arc::<MemoryLedger>::clone(&ledger);
    let account_limits: Arc<dyn AccountLimits> = Arc::<MemoryLedger>::clone(&ledger);
    let grants: Arc<dyn Grants> = Arc::<MemoryLedger>::clone(&ledger);
    let statements: Arc<dyn Statements> = Arc::<MemoryLedger>::clone(&ledger);
    let people = MemoryPeople::with(Arc::clone(&ledger));
    let deletions = Arc::new(MemoryDeletions::of(people.clone()));
    let inventory = Arc::new(MemoryInventory::of(&people).with(&deletions));
    Ok(Stores {
        keys: Arc::<MemoryKeys>::clone(&people.keys),
        ending_keys: people.keys,
        consents: Arc::<MemoryAccounts>::clone(&people.accounts),
        accounts: people.accounts,
        identities: people.identities,
        sessions: people.sessions,
        creations: people.creations,
        tickets: people.tickets,
        failures: people.failures,
        security_log: people.security_log,
        alerts: people.alerts,
        declines: people.declines,
        spend_alerts: people.spend_alerts,
        refunds: people.refunds,
        journal: Arc::<MemoryLedger>::clone(&ledger),
        reconciliations: Arc::new(MemoryReconciliations::default()),
        bills: Arc::<MemoryLedger>::clone(&ledger),
        cost_comparisons: Arc::new(MemoryCostComparisons::default()),
        status: Arc::new(MemoryStatusLog::default()),
        recharges: people.recharges,
        audit_log: Arc::new(MemoryAuditLog::default()),
        approvals: people.approvals,
        publications: Arc::new(MemoryPublications::default()),
        ledger,
        requests,
        account_limits,
        grants,
        statements,
        usage,
        usage_retention,
        inventory,
        exports: people.exports,
        jobs: Arc::new(MemoryJobs::default()),
        custody,
        audit,
        prices: prices.book,
        first_prices: prices.first,
        price_editions: prices.editions,
        outbox: people.outbox,
        top_ups: people.top_ups,
        departed: Arc::<MemoryPayers>::clone(&people.payers),
        payers: people.payers,
        deletions,
        #[cfg(feature = "sea-orm")]
        base: None,
    })
}

/// What becomes of the prices that come with the library.
#[cfg(any(feature = "memory", feature = "sea-orm"))]
struct Prices {
    first: Arc<PriceSheet>,
    editions: Arc<dyn PriceEditions>,
    book: Arc<dyn PriceBook>,
}

#[cfg(any(feature = "memory", feature = "sea-orm"))]
impl Prices {
    fn of(editions: Arc<dyn PriceEditions>, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let first = Arc::new(PriceSheet::embedded()?);
        let book = Arc::new(PublishedPrices::new(Arc::clone(&first), Arc::clone(&editions), clock));
        Ok(Self { first, editions, book })
    }
}
