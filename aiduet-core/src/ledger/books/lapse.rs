//! The end of grants.

use super::draft::Draft;
use super::post::post_one;
use super::rows::{minus, plus};
use super::{Books, Lot};
use crate::clock::Timestamp;
use crate::id::{AccountId, TransferId, derive};
use crate::ledger::{Entry, EntryKind, LedgerAccount, LedgerError, LotTerms};
use crate::money::Money;

impl Books {
    /// Takes what is free of the lots of a person that have run out, and says how much that was.
    ///
    /// Open holds burn lots in their order when they are settled: what they will burn stays.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] when the books are broken; nothing is changed then.
    pub fn lapse(&mut self, account: AccountId, at: Timestamp) -> Result<Money, LedgerError> {
        let mut lots = self.lots(account).to_vec();
        lots.sort_unstable_by_key(Lot::burning_order);
        let mut held = self.account(LedgerAccount::Promo(account)).debit_pending;
        let mut lapsed = Money::ZERO;
        let mut draft = Draft::new(self);
        for lot in lots {
            let kept = held.min(lot.remaining);
            held = minus(held, kept);
            let free = minus(lot.remaining, kept);
            if free > Money::ZERO && lot.expires_at.is_some_and(|end| end <= at) {
                post_one(&mut draft, &expiry(lot, free, at))?;
                lapsed = plus(lapsed, free);
            }
        }
        let finished = draft.finish();
        self.write(finished);
        Ok(lapsed)
    }
}

/// The posting that takes an amount of a lot. A lot may lapse in parts, and what is left of it is
/// less each time, so lot and rest name the posting.
fn expiry(lot: Lot, amount: Money, at: Timestamp) -> Entry {
    let Lot { id, account, priority, expires_at, remaining } = lot;
    Entry {
        id: TransferId::from_uuid(derive(id.as_uuid(), &format!("lapse:{}", remaining.nanos()))),
        kind: EntryKind::PromoExpiry,
        debit: LedgerAccount::Promo(account),
        credit: LedgerAccount::Breakage,
        amount,
        external: None,
        reverses: None,
        lot: Some(LotTerms { id, priority, expires_at }),
        at,
    }
}
