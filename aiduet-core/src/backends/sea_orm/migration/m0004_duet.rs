//! What the duet decided about a request: two codes from closed lists.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0004_duet", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let columns = ["duet_role", "duet_rule"];
    columns.iter().flat_map(|column| dialect.column("requests", column, "{code} NULL")).collect()
}
