//! Which mails people want, and keys by their end, so that those are found whose owners are told of it.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0063_notice_choices", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let choices = ["tell_key_expiry", "tell_new_sign_in"];
    let columns = choices.iter().map(|name| dialect.column("accounts", name, "{int} NOT NULL DEFAULT 1"));
    let mut all: Vec<String> = columns.flatten().collect();
    let index =
        Index { name: "api_keys_end", kind: IndexKind::Plain, columns: "expires_at, id", condition: "" };
    all.extend(dialect.index("api_keys", &index));
    all
}
