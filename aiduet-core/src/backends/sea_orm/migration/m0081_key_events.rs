//! Of which API key an event of the security log is, in which session it came about, and what it changed.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0081_key_events", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let columns = [("api_key", "{uuid} NULL"), ("session", "{uuid} NULL"), ("changed", "{text} NULL")];
    columns.iter().flat_map(|(name, kind)| dialect.column("security_events", name, kind)).collect()
}
