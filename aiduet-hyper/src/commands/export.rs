//! `aiduet export`

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use aiduet_core::account::Account;
use aiduet_core::app::Stores;
use aiduet_core::auth::{Device, SecurityEvent, SecurityEventKind};
use aiduet_core::clock::Clock;
use aiduet_core::http::Archive;
use aiduet_core::id::{ExportId, SecurityEventId, SystemEntropy};
use aiduet_core::privacy::{EXPORT_LIFE, Export};
use futures_util::StreamExt;
use serde_json::json;

use super::{Context, find_user};
use crate::cli;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: cli::Export) -> Result<(), Failure> {
    let cli::Export::User { email, out } = verb;
    if out.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::Usage("an archive is not for a terminal: say --out FILE".to_owned()));
    }
    let settings = context.settings()?.settings;
    let clock = super::clock();
    let stores = Stores::ready(&settings.database, Arc::clone(&clock)).await;
    let stores = stores.map_err(|error| Failure::of(&error))?;
    let account = find_user(&stores, &email).await?;
    let export = registered(&stores, &account, clock.as_ref()).await?;
    let archive = Archive::new(stores.clone(), clock, (Arc::clone(&account), export));
    let archive = archive.with_usage_days(settings.retention.usage_days);
    match &out {
        None => {
            write(archive, &mut std::io::stdout()).await?;
        }
        Some(path) => {
            let mut file = private(path)?;
            let written = write(archive, &mut file).await;
            if written.is_err() {
                fs::remove_file(path)?;
            }
            let row = json!({"id": export.id, "account": account.id, "file": path, "bytes": written?});
            output::object(context.form, &row)?;
        }
    }
    stores.close().await.map_err(|error| Failure::of(&error))
}

/// The person sees that there was an export, in the list of exports and in the security log.
async fn registered(stores: &Stores, account: &Account, clock: &dyn Clock) -> Result<Export, Failure> {
    let now = clock.now();
    let export = Export {
        id: ExportId::generate(clock, &SystemEntropy),
        account: account.id,
        session: None,
        created_at: now,
        expires_at: now.plus(EXPORT_LIFE),
        fetched_at: None,
    };
    stores.exports.insert(export).await.map_err(|error| Failure::of(&error))?;
    let event = SecurityEvent {
        id: SecurityEventId::generate(clock, &SystemEntropy),
        account: account.id,
        kind: SecurityEventKind::ExportAsked,
        device: Device::UNKNOWN,
        network: None,
        request: None,
        key: None,
        at: now,
    };
    stores.security_log.record(event).await.map_err(|error| Failure::of(&error))?;
    Ok(export)
}

/// A new file that only its owner reads.
fn private(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?)
}

/// Says how many bytes.
async fn write(archive: Archive, to: &mut (dyn Write + Send)) -> Result<u64, Failure> {
    let mut pieces = pin!(archive.pieces());
    let mut bytes = 0_u64;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        to.write_all(&piece)?;
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
    to.flush()?;
    Ok(bytes)
}
