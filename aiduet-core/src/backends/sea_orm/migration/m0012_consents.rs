//! What people agreed to.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0012_consents", statements };

/// `digest` is SHA-256 of the text in hexadecimal. Once `detached_at` is set the account is gone, and
/// `account` leads to nobody.
const CONSENTS: &str = "account {uuid} NOT NULL,
    kind {code} NOT NULL,
    version {code} NOT NULL,
    locale {code} NOT NULL,
    digest {code} NOT NULL,
    agreed_at {int} NOT NULL,
    detached_at {int} NULL,
    PRIMARY KEY (account, kind, version)";

fn statements(dialect: Dialect) -> Vec<String> {
    let age =
        Index { name: "consents_detached", kind: IndexKind::Plain, columns: "detached_at", condition: "" };
    dialect.table("consents", CONSENTS, &[age])
}
