//! Versions of policies that were published, and how far people have been told of changes.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0052_publications", statements };

const PUBLICATIONS: &str = "kind {code} NOT NULL,
    version {code} NOT NULL,
    effective_from {int} NOT NULL,
    text_en {long} NOT NULL,
    text_zh {long} NOT NULL,
    text_ja {long} NOT NULL,
    published_by {code} NOT NULL,
    published_at {int} NOT NULL,
    PRIMARY KEY (kind, version)";

/// `through` is the newest account that has been told; accounts are told oldest first.
const PROGRESS: &str = "news {code} NOT NULL PRIMARY KEY,
    through {uuid} NOT NULL,
    told {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let mut all = dialect.table("publications", PUBLICATIONS, &[]);
    all.extend(dialect.table("news_progress", PROGRESS, &[]));
    all
}
