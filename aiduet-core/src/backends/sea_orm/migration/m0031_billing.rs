//! What the billing pages ask: postings of a person, the request behind a purchase, and the card
//! company's name for a person.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0031_billing", statements };

const PAYERS: &str = "account {uuid} NOT NULL PRIMARY KEY,
    payer {code} NOT NULL,
    created_at {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let posting =
        |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "request IS NULL" };
    let request = Index {
        name: "top_ups_request",
        kind: IndexKind::Unique,
        columns: "account, request",
        condition: "",
    };
    let mut all = dialect.index("transfer", &posting("transfer_debits", "dr, created_at"));
    all.extend(dialect.index("transfer", &posting("transfer_credits", "cr, created_at")));
    all.extend(dialect.column("top_ups", "request", "{digest} NULL"));
    all.extend(dialect.column("top_ups", "keeps_card", "{int} NOT NULL DEFAULT 0"));
    all.extend(dialect.index("top_ups", &request));
    all.extend(dialect.table("payers", PAYERS, &[]));
    all
}
