//! Counts what the books and the records of requests hold about a person.

use std::collections::HashSet;

use super::MemoryLedger;
use crate::backends::memory::Holder;
use crate::backends::memory::inventory::counted;
use crate::id::AccountId;
use crate::ledger::LedgerAccount;
use crate::privacy::Holding;

impl Holder for MemoryLedger {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let state = self.lock();
        let books = &state.books;
        let own = LedgerAccount::of_person(account);
        let is_own = |side: LedgerAccount| own.contains(&side);
        let accounts = books.accounts().filter(|(side, _row)| is_own(*side));
        let requests = || {
            let records = books.requests().map(|row| &row.record);
            records.filter(|record| record.account == account)
        };
        let keys: HashSet<_> = requests().map(|record| record.key).collect();
        let spending = books.keys().filter(|(key, _row)| keys.contains(key));
        let quarters = state.rollups.keys().filter(|key| key.account == account);
        let holds = books.holds().filter(|hold| hold.account == account);
        let postings = state.journal.iter().filter_map(|id| books.transfer(*id));
        let postings = postings.filter(|each| each.request.is_none());
        let postings = postings.filter(|each| is_own(each.debit) || is_own(each.credit));
        vec![
            counted("requests", requests().map(|record| Some(record.started_at))),
            counted("usage_quarters", quarters.map(|key| Some(key.bucket))),
            counted("hold", holds.map(|hold| Some(hold.at))),
            counted("account", accounts.map(|_account| None)),
            counted("lot", books.lots(account).iter().map(|_lot| None)),
            counted("transfer", postings.map(|each| Some(each.at))),
            counted("key_spend", spending.map(|_key| None)),
        ]
    }
}
