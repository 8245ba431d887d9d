//! Low balances of which people want to be told, and when an undecided purchase was last asked about.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0032_alerts", statements };

/// `paid` and `promo` are the accounts in the ledger of the person's `account`; amounts are nano-USD.
/// `told_credited` is null while nobody was told.
const ALERTS: &str = "account {uuid} NOT NULL PRIMARY KEY,
    paid {uuid} NOT NULL,
    promo {uuid} NOT NULL,
    threshold {int} NOT NULL,
    channel {code} NOT NULL,
    told_credited {int} NULL,
    round {int} NOT NULL,
    CONSTRAINT alerts_threshold CHECK (threshold > 0)";

fn statements(dialect: Dialect) -> Vec<String> {
    let mut all = dialect.table("alerts", ALERTS, &[]);
    all.extend(dialect.column("top_ups", "taken_at", "{int} NOT NULL DEFAULT 0"));
    all
}
