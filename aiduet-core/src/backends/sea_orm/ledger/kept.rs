//! What a writer keeps of the books from one batch to the next.
//!
//! On SQLite only while nobody else has written: at the beginning of each transaction, when no one
//! can write any more, SQLite is asked whether another connection has committed since, of another process or of
//! the other stores of this one. If so, everything is loaded anew.
//!
//! On PostgreSQL what is kept may be old. It is used behind a guard only (see `guard`); a
//! transaction loads everything that it names.

use std::collections::{BTreeSet, HashSet};

use super::operation::Named;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::books::{Books, HoldRow};

/// When more people and keys than this are kept, all are forgotten: about 50 MB.
const ROWS_MAX: usize = 100_000;

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
    pub(super) fn retain(&mut self, named: &Named) {
        if self.people.len().saturating_add(self.keys.len()) > ROWS_MAX {
            return self.clear();
        }
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
