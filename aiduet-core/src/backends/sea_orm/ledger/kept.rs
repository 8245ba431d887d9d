//! What a writer keeps of the books from one batch to the next.
//!
//! On SQLite only while nobody else has written: at the beginning of each transaction, when no one
//! can write any more, SQLite is asked whether another connection has committed since
//! (`data_version`) and whether our own connection has changed rows since (`total_changes`), for
//! the other stores of the process write through it too. If so, everything is loaded anew.
//!
//! On PostgreSQL what is kept may be old. It is used behind a guard only (see `guard`); a
//! transaction loads everything that it names.

use std::collections::{BTreeSet, HashSet};

use sea_orm::QueryResult;

use super::operation::Named;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::Columns;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::books::{Books, HoldRow};

/// When more people and keys than this are kept, all are forgotten: about 50 MB.
const ROWS_MAX: usize = 100_000;

/// The columns of a [`Stamp`].
pub(super) const STAMP: &str = "data_version, total_changes()";

/// A state of an SQLite database, as one connection sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    version: i64,
    changes: i64,
}

impl Stamp {
    pub(super) fn read(rows: &[QueryResult]) -> Result<Self, DatabaseError> {
        let row = rows.first().ok_or(DatabaseError::Unreadable { column: STAMP })?;
        let mut columns = Columns::of(row);
        Ok(Self { version: columns.next()?, changes: columns.next()? })
    }
}

/// Books, and which rows of them are complete.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) books: Books,
    /// Both accounts and all lots are in the books, or do not exist.
    pub(super) people: HashSet<AccountId>,
    pub(super) keys: HashSet<ApiKeyId>,
    /// All open holds are in the books, and there is no record.
    pub(super) requests: HashSet<RequestId>,
    /// Requests of which some holds are in the books, but perhaps not all.
    loose: Vec<RequestId>,
    shard: u16,
    stamp: Option<Stamp>,
}

impl Kept {
    pub(super) fn new(shard: u16) -> Self {
        Self {
            books: Books::new(shard),
            people: HashSet::new(),
            keys: HashSet::new(),
            requests: HashSet::new(),
            loose: Vec::new(),
            shard,
            stamp: None,
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.shard);
    }

    /// Forgets what a batch names, so that it is loaded.
    pub(super) fn forget(&mut self, named: &Named) {
        for person in &named.people {
            self.people.remove(person);
            self.books.forget_person(*person);
        }
        for key in &named.keys {
            self.keys.remove(key);
        }
        let holds = named.holds.iter().chain(&named.running).chain(&named.new_holds);
        let requests = holds.filter_map(|hold| self.books.hold(*hold)).map(|hold| hold.request);
        for request in requests.chain(named.requests.iter().copied()).collect::<Vec<_>>() {
            self.requests.remove(&request);
            self.books.forget_request(request);
        }
    }

    /// Whether the books are those of this state, or empty.
    pub(super) fn is_of(&self, stamp: Stamp) -> bool {
        self.stamp.is_none_or(|kept| kept == stamp)
    }

    /// Puts open holds that are not in the books.
    pub(super) fn put_holds(&mut self, holds: Vec<HoldRow>) {
        for hold in holds {
            if self.books.hold(hold.id).is_none() {
                self.loose.push(hold.request);
                self.books.put_hold(hold);
            }
        }
    }

    /// Notes what has been loaded.
    pub(super) fn add(
        &mut self,
        (people, keys, requests): (&BTreeSet<AccountId>, &BTreeSet<ApiKeyId>, &BTreeSet<RequestId>),
    ) {
        self.people.extend(people);
        self.keys.extend(keys);
        let books = &self.books;
        self.requests.extend(requests.iter().filter(|request| books.request(**request).is_none()));
    }

    /// After a commit: forgets all but what is of use to the next batch, or everything.
    pub(super) fn retain(&mut self, named: &Named, stamp: Option<Stamp>) {
        if self.people.len().saturating_add(self.keys.len()) > ROWS_MAX {
            return self.clear();
        }
        self.stamp = stamp;
        for request in &named.requests {
            if !self.books.is_open(*request) {
                self.requests.remove(request);
            }
        }
        for request in std::mem::take(&mut self.loose) {
            if !self.requests.contains(&request) {
                self.books.forget_request(request);
            }
        }
        self.books.forget_the_past();
    }
}
