//! Whose card or payer something is that the card company tells.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0036_payers", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "" };
    let mut all = dialect.index("payers", &index("payers_payer", "payer"));
    all.extend(dialect.index("recharges", &index("recharges_card", "card")));
    all
}
