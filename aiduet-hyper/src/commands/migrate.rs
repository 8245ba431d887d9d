//! `aiduet migrate`

use aiduet_core::app::Stores;
use serde_json::json;

use super::Context;
use crate::cli::Migrate;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Option<Migrate>) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let stores =
        Stores::open(&settings.database, super::clock()).await.map_err(|error| Failure::of(&error))?;
    let dry = match verb {
        None => false,
        Some(Migrate::Up { dry_run }) => dry_run,
        Some(Migrate::Status) => true,
    };
    if !dry {
        stores.migrate().await.map_err(|error| Failure::of(&error))?;
    }
    let migrations = match &stores.base {
        Some(base) => base.migrations().await.map_err(|error| Failure::of(&error))?,
        None => Vec::new(),
    };
    let rows: Vec<_> = migrations
        .iter()
        .map(|migration| json!({"name": migration.name, "applied": migration.applied}))
        .collect();
    output::list(context.form, &rows)?;
    stores.close().await.map_err(|error| Failure::of(&error))
}
