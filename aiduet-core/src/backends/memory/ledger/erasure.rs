//! Takes a person out of the ledger.

use std::collections::HashSet;

use super::MemoryLedger;
use crate::backends::memory::deletions::{Touch, number};
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::LedgerAccount;

impl MemoryLedger {
    /// Whether a request of the person runs.
    pub(in crate::backends::memory) fn has_holds(&self, account: AccountId) -> bool {
        self.lock().books.holds().any(|hold| hold.account == account)
    }

    /// Records of requests, the sums over them, and what their keys have spent.
    pub(in crate::backends::memory) fn personal_usage(&self, account: AccountId, touch: Touch) -> u64 {
        let mut state = self.lock();
        let own = state.books.requests().map(|row| &row.record).filter(|record| record.account == account);
        let own: Vec<(RequestId, ApiKeyId)> = own.map(|record| (record.id, record.key)).collect();
        if touch == Touch::Erase {
            for (request, _key) in &own {
                state.books.forget_record(*request);
                state.by_account.remove(&(account, *request));
            }
            let keys: HashSet<ApiKeyId> = own.iter().map(|(_request, key)| *key).collect();
            state.books.forget_keys(&keys.into_iter().collect::<Vec<_>>());
            state.rollups.retain(|key, _rollup| key.account != account);
        }
        number(own.len())
    }

    /// The accounts and postings of a person; erasing puts `subject` in the place of `account`.
    pub(in crate::backends::memory) fn personal_books(
        &self,
        (account, subject): (AccountId, AccountId),
        touch: Touch,
    ) -> u64 {
        let mut state = self.lock();
        if touch == Touch::Erase {
            return state.books.rename(account, subject);
        }
        let own = LedgerAccount::of_person(account);
        number(state.books.accounts().filter(|(found, _row)| own.contains(found)).count())
    }
}
