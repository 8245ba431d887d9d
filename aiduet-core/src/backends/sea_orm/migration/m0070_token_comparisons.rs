//! Tokens of each model on a day, as its provider counted them and as we recorded them.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0070_token_comparisons", statements };

/// `day` is milliseconds since 1970, `worth` nano-USD, all others tokens; `estimated` is a part of `recorded`.
const TOKEN_COMPARISONS: &str = "day {int} NOT NULL,
    vendor {code} NOT NULL,
    model {code} NOT NULL,
    reported_input {int} NOT NULL,
    reported_output {int} NOT NULL,
    recorded_input {int} NOT NULL,
    recorded_output {int} NOT NULL,
    estimated_input {int} NOT NULL,
    estimated_output {int} NOT NULL,
    worth {int},
    PRIMARY KEY (day, vendor, model)";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("token_comparisons", TOKEN_COMPARISONS, &[])
}
