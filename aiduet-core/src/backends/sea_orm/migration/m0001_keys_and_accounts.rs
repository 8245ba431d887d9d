//! Accounts of people, and API keys.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0001_keys_and_accounts", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let mut all = dialect.table(
        "accounts",
        "id {uuid} NOT NULL PRIMARY KEY,
         email {text} NOT NULL,
         email_verified_at {int} NULL,
         password {code} NULL,
         name {text} NULL,
         locale {code} NOT NULL,
         role {code} NOT NULL,
         state {code} NOT NULL,
         state_at {int} NULL,
         created_at {int} NOT NULL",
        &[Index { name: "accounts_email", kind: IndexKind::Unique, columns: "email", condition: "" }],
    );
    all.extend(dialect.table(
        "api_keys",
        "id {uuid} NOT NULL PRIMARY KEY,
         account {uuid} NOT NULL,
         hash {digest} NOT NULL,
         prefix {code} NOT NULL,
         last4 {code} NOT NULL,
         name {text} NOT NULL,
         state {code} NOT NULL,
         state_at {int} NULL,
         limits {long} NOT NULL,
         created_at {int} NOT NULL,
         expires_at {int} NULL,
         last_used_at {int} NULL",
        &[
            Index { name: "api_keys_hash", kind: IndexKind::Unique, columns: "hash", condition: "" },
            Index { name: "api_keys_account", kind: IndexKind::Plain, columns: "account, id", condition: "" },
        ],
    ));
    all
}
