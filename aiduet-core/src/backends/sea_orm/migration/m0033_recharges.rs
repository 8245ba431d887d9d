//! Automatic purchases.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0033_recharges", statements };

/// `paid` and `promo` are the accounts in the ledger of the person's `account`; amounts are nano-USD,
/// moments milliseconds since 1970. `top_up`, `charge` and `begun_at` are those of the charge that is
/// under way; `bought` is of the month that `month` begins.
const RECHARGES: &str = "account {uuid} NOT NULL PRIMARY KEY,
    paid {uuid} NOT NULL,
    promo {uuid} NOT NULL,
    threshold {int} NOT NULL,
    amount {int} NOT NULL,
    monthly_max {int} NOT NULL,
    card {code} NOT NULL,
    agreed_at {int} NOT NULL,
    switch {code} NOT NULL,
    state {code} NOT NULL,
    top_up {uuid} NULL,
    charge {int} NULL,
    begun_at {int} NULL,
    due_at {int} NOT NULL,
    bought {int} NOT NULL,
    month {int} NOT NULL,
    failures {int} NOT NULL,
    CONSTRAINT recharges_month CHECK (bought >= 0),
    CONSTRAINT recharges_plan CHECK (threshold > 0 AND amount > 0 AND monthly_max >= amount),
    CONSTRAINT recharges_charge CHECK ((state = 'idle' AND top_up IS NULL AND charge IS NULL AND begun_at IS NULL)
        OR (state <> 'idle' AND top_up IS NOT NULL AND charge IS NOT NULL AND begun_at IS NOT NULL))";

fn statements(dialect: Dialect) -> Vec<String> {
    let due =
        Index { name: "recharges_due", kind: IndexKind::Plain, columns: "state, due_at", condition: "" };
    dialect.table("recharges", RECHARGES, &[due])
}
