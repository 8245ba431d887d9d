//! A small batch in one statement of PostgreSQL.
//!
//! Other processes write too, so what a writer keeps of the books is only likely to be what is in the
//! database. A guard stands before the changes: it locks every account and key that they were computed from and
//! compares it with what was kept, and looks that the requests have the open holds that are known, and no
//! record. If something is otherwise, nothing is changed and the batch is done in a transaction that loads
//! what it needs.
//!
//! The locks of one statement come after it has begun to look. What others do to holds and records in
//! between, without a trace on the accounts, is found by what is unique in the tables: transfers, of which one
//! resolves a hold, and records.

use std::collections::BTreeSet;

use sea_orm::DbBackend;
use uuid::Uuid;

use crate::backends::sea_orm::bulk::one_of;
use crate::backends::sea_orm::ledger::kept::Kept;
use crate::backends::sea_orm::ledger::operation::Named;
use crate::backends::sea_orm::ledger::rows::{ACCOUNTS, KEYS, account_id, write_account, write_key};
use crate::backends::sea_orm::sql::Sql;
use crate::id::{ApiKeyId, RequestId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, HoldRow, KeyRow};

/// What the database must hold for what was computed from it to be right.
#[derive(Debug)]
pub(super) struct Guard {
    accounts: Vec<(LedgerAccount, AccountRow)>,
    keys: Vec<(ApiKeyId, KeyRow)>,
    /// Requests without a record.
    requests: Vec<Uuid>,
    /// The legs of all open holds of these requests.
    legs: usize,
}

impl Guard {
    /// The guard of a batch; `None` if something that the batch needs is not kept.
    pub(super) fn of(named: &Named, kept: &Kept) -> Option<Self> {
        let books = &kept.books;
        let is_known = |holds: &BTreeSet<_>| holds.iter().all(|hold| books.hold(*hold).is_some());
        if named.floors || !named.transfers.is_empty() || !is_known(&named.holds) || !is_known(&named.running)
        {
            return None;
        }
        let open = |request: &RequestId| books.open_holds(*request);
        let open: Vec<HoldRow> = named.requests.iter().flat_map(open).collect();
        let keys: BTreeSet<ApiKeyId> =
            named.keys.iter().copied().chain(open.iter().map(|hold| hold.key)).collect();
        let is_kept = named.people.iter().all(|person| kept.people.contains(person))
            && keys.iter().all(|key| kept.keys.contains(key));
        let accounts = named.people.iter().flat_map(|person| LedgerAccount::of_person(*person));
        is_kept.then(|| Self {
            accounts: accounts.map(|account| (account, books.account(account))).collect(),
            keys: keys.into_iter().map(|key| (key, books.key(key))).collect(),
            requests: named.requests.iter().map(|request| request.as_uuid()).collect(),
            legs: open.iter().map(|hold| hold.legs.of(hold.account).count()).sum(),
        })
    }

    /// The beginning of a statement whose part `guard` has a row if everything is as it must be, and if these
    /// accounts of the house are there to be added to.
    pub(super) fn begin(&self, house: &[LedgerAccount]) -> Sql {
        let accounts = self.accounts.iter().map(|(account, row)| write_account(*account, row)).collect();
        let keys = self.keys.iter().map(|(key, row)| write_key(*key, row)).collect();
        let house: Vec<Uuid> = house.iter().map(|account| account_id(*account)).collect();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let sql = Sql::new(DbBackend::Postgres, "WITH people AS (");
        let sql = ACCOUNTS.select_unchanged(sql, accounts).text("), keys AS (");
        let sql = KEYS.select_unchanged(sql, keys);
        let sql = sql.text("), guard AS (SELECT 1 WHERE (SELECT count(*) FROM people) = ");
        let sql = sql.value(count(self.accounts.len())).text(" AND (SELECT count(*) FROM keys) = ");
        let sql = sql.value(count(self.keys.len())).text(" AND NOT EXISTS (SELECT 1 FROM requests WHERE ");
        let sql = one_of(sql, "id", &self.requests).text(") AND (SELECT count(*) FROM hold WHERE ");
        let sql = one_of(sql, "request", &self.requests).text(") = ").value(count(self.legs));
        let sql = one_of(sql.text(" AND (SELECT count(*) FROM account WHERE "), "id", &house).text(") = ");
        sql.value(count(house.len())).text(")")
    }
}
