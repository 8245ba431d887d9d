//! The balances of people beside what is kept about them: rows that name both accounts of a person in
//! the ledger are joined with these.

use uuid::Uuid;

use super::ledger::account_id;
use crate::id::AccountId;
use crate::ledger::LedgerAccount;

/// Joins a table `own` that has the columns `paid` and `promo`.
pub(super) const JOIN: &str =
    " own LEFT JOIN account paid ON paid.id = own.paid LEFT JOIN account promo ON promo.id = own.promo";

/// What a new request may use, as [`balance`](crate::ledger::books::balance) computes it.
pub(super) const AVAILABLE: &str = "(COALESCE(paid.cr_posted - paid.dr_posted - paid.dr_pending, 0) \
    + COALESCE(promo.cr_posted - promo.dr_posted - promo.dr_pending, 0))";

/// Credits less refunds, disputes and expiries, as [`balance`](crate::ledger::books::balance) computes
/// it.
pub(super) const CREDITED: &str = "(COALESCE(paid.cr_posted - paid.dr_posted + paid.used, 0) \
    + COALESCE(promo.cr_posted - promo.dr_posted + promo.used, 0))";

/// The accounts of a person in the ledger: paid, promotional.
pub(super) fn accounts_of(person: AccountId) -> [Uuid; 2] {
    LedgerAccount::of_person(person).map(account_id)
}
