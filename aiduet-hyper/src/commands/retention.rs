//! `aiduet retention`

use std::sync::Arc;

use aiduet_core::app::{self, Stores};
use aiduet_core::privacy::{Overdue, Purged, RetentionError};
use serde_json::{Map, Value, json};

use super::{Confirmed, Context, confirm};
use crate::cli::Retention as Verb;
use crate::failure::Failure;
use crate::output;

/// Batches of one command.
const BATCHES_MAX: u32 = 100_000;

pub(super) async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let clock = super::clock();
    let stores = Stores::ready(&settings.database, Arc::clone(&clock)).await;
    let stores = stores.map_err(|error| Failure::of(&error))?;
    let retention = app::retention(&settings, &stores);
    let overdue = retention.overdue(clock.now()).await.map_err(|error| Failure::of(&error))?;
    match verb {
        Verb::Status | Verb::Run { dry_run: true, .. } => {
            output::object(context.form, &told(&overdue, settings.retention.usage_days))?;
            if overdue.is_suspicious {
                return Err(Failure::Problems);
            }
        }
        Verb::Run { dry_run: false, force, yes } => {
            let deleted = if force {
                confirm(Confirmed::from(yes), &format!("{} requests are deleted.", overdue.records))?;
                purge(async || retention.purge_anyway(clock.now()).await).await?
            } else {
                purge(async || retention.purge(clock.now()).await).await?
            };
            output::object(context.form, &deleted)?;
        }
    }
    stores.close().await.map_err(|error| Failure::of(&error))
}

/// Deletes batch after batch, and says how many rows of each table.
async fn purge(batch: impl AsyncFn() -> Result<Purged, RetentionError>) -> Result<Value, Failure> {
    let mut all: Map<String, Value> = Map::new();
    for _batch in 0..BATCHES_MAX {
        let purged = batch().await.map_err(|error| Failure::of(&error))?;
        for (table, rows) in purged.tables {
            let before = all.get(table).and_then(Value::as_u64).unwrap_or(0);
            all.insert(table.to_owned(), json!(before.saturating_add(rows)));
        }
        if !purged.is_more {
            break;
        }
    }
    Ok(Value::Object(all))
}

fn told(overdue: &Overdue, days: u16) -> Value {
    json!({
        "usage_days": days,
        "deleted_before": overdue.before.to_string(),
        "oldest_usage": overdue.oldest.map(|oldest| oldest.to_string()),
        "overdue_requests": overdue.records,
        "needs_force": overdue.is_suspicious,
    })
}
