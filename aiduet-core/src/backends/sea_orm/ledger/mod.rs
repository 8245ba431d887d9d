//! The ledger: a queue, a writer that commits in groups, and the rules of the books in between.

mod audit;
mod bills;
mod custody;
mod embedded;
mod grants;
mod journal;
mod kept;
mod limits;
mod load;
mod operation;
mod queue;
mod record;
mod requests;
mod retention;
mod rows;
mod save;
mod seldom;
mod server;
mod statement;
mod store;
mod usage;
mod writer;

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::operation::{Answer, Operation};
use self::queue::Entrance;
pub(super) use self::rows::account_id;
use self::rows::{ACCOUNTS_BY_ID, read_account};
use self::server::Server;
use self::writer::Writer;
use super::Database;
use super::balances::accounts_of;
use super::error::DatabaseError;
use super::sql::Columns;
use crate::id::{AccountId, Entropy, HoldId, SystemEntropy};
use crate::ledger::books::{AccountRow, balance};
use crate::ledger::{
    Balance, Entry, Hold, Ledger, LedgerError, ReserveRequest, Reserving, SettleRequest, Settlement,
    VoidRequest,
};
use crate::money::Money;

/// Shards of the revenue account that processes choose from.
const SHARDS: u16 = 64;

/// How the ledger of a process works.
#[derive(Clone, Copy, Debug, Default)]
pub struct LedgerConfig {
    /// Writers, each with a connection and a transaction of its own; accounts are spread over
    /// them. SQLite has always one. `None`: two.
    pub writers: Option<u16>,
    /// The first shard of the revenue account that this process books on, one for each writer.
    /// Processes that share one are right but wait for each other. `None`: by chance.
    pub shard: Option<u16>,
}

/// [`Ledger`], [`Custody`](crate::ledger::Custody), [`Audit`](crate::ledger::Audit) and
/// [`RequestLog`](crate::ledger::RequestLog) in a database.
///
/// Operations of all callers are committed in groups: what arrives during one commit is the next
/// group. A reserve that waits for more than about 250 ms is refused with
/// [`LedgerError::Overloaded`]; settlements go first and are never refused for load.
#[derive(Debug)]
pub struct SeaOrmLedger {
    database: Database,
    entrances: Vec<Entrance>,
    closing: CancellationToken,
    tracker: TaskTracker,
}

impl SeaOrmLedger {
    /// The ledger of a migrated database. Starts its writers; [`close`](Self::close) ends them.
    pub fn start(database: Database, config: LedgerConfig) -> Self {
        let first = config.shard.unwrap_or_else(|| {
            let mut random = [0_u8; 2];
            SystemEntropy.fill(&mut random);
            u16::from_le_bytes(random) % SHARDS
        });
        let closing = CancellationToken::new();
        let tracker = TaskTracker::new();
        let mut entrances = Vec::new();
        if let Some(file) = database.file() {
            let (entrance, exit) = queue::queue(closing.clone());
            embedded::start(file.clone(), first, (exit, tracker.token()));
            entrances.push(entrance);
        } else {
            for index in 0..config.writers.unwrap_or(2).clamp(1, 16) {
                let (entrance, exit) = queue::queue(closing.clone());
                let store = Server::new(database.clone(), first.wrapping_add(index));
                tracker.spawn(Writer::new(store).run(exit));
                entrances.push(entrance);
            }
        }
        tracker.close();
        Self { database, entrances, closing, tracker }
    }

    /// Refuses new operations, and waits until all that are queued are durable.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tracker.wait().await;
    }

    async fn submit(&self, operation: Operation) -> Result<Answer, LedgerError> {
        let choice = operation.person().map_or(0, |person| person.as_uuid().as_u128());
        let count = u128::try_from(self.entrances.len()).unwrap_or(1).max(1);
        let index = usize::try_from(choice % count).unwrap_or_default();
        let entrance = self.entrances.get(index).ok_or(LedgerError::Broken("no writer"))?;
        entrance.submit(operation).await
    }
}

/// The writer answers each operation with its own kind of answer.
const fn mismatch() -> LedgerError {
    LedgerError::Broken("answer of another operation")
}

#[async_trait]
impl Ledger for SeaOrmLedger {
    async fn reserve(&self, request: ReserveRequest) -> Result<Hold, LedgerError> {
        match self.submit(Operation::Reserve(Box::new(request))).await? {
            Answer::Reserved(hold) => Ok(hold),
            Answer::Settled(_) | Answer::Swept(_) | Answer::Lapsed(_) | Answer::Done => Err(mismatch()),
        }
    }

    async fn settle(&self, request: SettleRequest) -> Result<Settlement, LedgerError> {
        match self.submit(Operation::Settle(Box::new(request))).await? {
            Answer::Settled(settlement) => Ok(settlement),
            Answer::Reserved(_) | Answer::Swept(_) | Answer::Lapsed(_) | Answer::Done => Err(mismatch()),
        }
    }

    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError> {
        match self.submit(Operation::Void(Box::new(request))).await? {
            Answer::Settled(settlement) => Ok(settlement),
            Answer::Reserved(_) | Answer::Swept(_) | Answer::Lapsed(_) | Answer::Done => Err(mismatch()),
        }
    }

    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError> {
        self.submit(Operation::Progress { hold, used }).await.map(drop)
    }

    async fn post(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        self.submit(Operation::Post(entries)).await.map(drop)
    }

    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError> {
        Ok(read_balance(self.database.reader(), account).await?)
    }

    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError> {
        self.submit(Operation::SetReserving { account, reserving }).await.map(drop)
    }
}

async fn read_balance(on: &impl ConnectionTrait, account: AccountId) -> Result<Balance, DatabaseError> {
    let [paid, promo] = read_accounts(on, account).await?;
    Ok(balance(&paid, &promo))
}

/// The paid and the promotional account of a person.
async fn read_accounts(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<[AccountRow; 2], DatabaseError> {
    let ids = accounts_of(account);
    let rows = ACCOUNTS_BY_ID.statement(on.get_database_backend(), &ids).all(on).await?;
    let rows = rows.iter().map(Columns::of).map(read_account).collect::<Result<Vec<_>, _>>()?;
    Ok(ids.map(|id| {
        rows.iter().find(|(found, _row)| *found == id).map_or_else(AccountRow::default, |(_id, row)| *row)
    }))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod conformance;
#[cfg(test)]
#[cfg(feature = "testing")]
mod overspend;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
