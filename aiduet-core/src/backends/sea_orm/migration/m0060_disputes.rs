//! Each complaint about a purchase by itself: there may be several, and their messages come in any order.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0060_disputes", statements };

/// `id` is the card company's name; `stage` is one of those of `top_ups.dispute`, which says what all of
/// them come to. Of one from before this table only that is known.
const DISPUTES: &str = "id {code} NOT NULL PRIMARY KEY,
    top_up {uuid} NOT NULL,
    stage {code} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let of_top_up =
        Index { name: "disputes_top_up", kind: IndexKind::Plain, columns: "top_up", condition: "" };
    dialect.table("disputes", DISPUTES, &[of_top_up])
}
