//! Who does which background work, and what came of it.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0041_jobs", statements };

/// `owner` is a node; moments are milliseconds since 1970.
const JOBS: &str = "name {code} NOT NULL PRIMARY KEY,
    owner {uuid} NULL,
    lease_until {int} NOT NULL,
    started_at {int} NOT NULL,
    finished_at {int} NULL,
    succeeded_at {int} NULL,
    outcome {code} NULL,
    done {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("jobs", JOBS, &[])
}
