//! How much spending people want to be told of.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0039_spend_alerts", statements };

/// `amount` is in nano-USD; `told_period` is the first moment of the period that was told of last, in
/// milliseconds since 1970, and `told_step` how many per cent; zero: nothing was told.
const SPEND_ALERTS: &str = "account {uuid} NOT NULL,
    span {code} NOT NULL,
    amount {int} NOT NULL,
    channel {code} NOT NULL,
    told_period {int} NOT NULL,
    told_step {int} NOT NULL,
    round {int} NOT NULL,
    PRIMARY KEY (account, span),
    CONSTRAINT spend_alerts_amount CHECK (amount > 0)";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("spend_alerts", SPEND_ALERTS, &[])
}
