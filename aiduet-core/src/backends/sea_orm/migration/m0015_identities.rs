//! Accounts elsewhere by which people sign in.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0015_identities", statements };

/// Issuer and subject are ASCII and tell capitals from small letters (OpenID Connect Core 1.0, section 2).
const IDENTITIES: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    issuer {code} NOT NULL,
    subject {code} NOT NULL,
    created_at {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let unique = |name, columns| Index { name, kind: IndexKind::Unique, columns, condition: "" };
    dialect.table(
        "identities",
        IDENTITIES,
        &[unique("identities_subject", "issuer, subject"), unique("identities_account", "account, issuer")],
    )
}
