//! From settings to a running server, and to its end.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::{App, AppBuilder, Stores};
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{Failure, with_causes};
use crate::serve::{Listeners, StopSignals};
use crate::{serve, ticker};

/// What is ready to serve.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) app: App,
    pub(crate) listeners: Listeners,
    settings: Settings,
    signals: StopSignals,
    /// Held while the process serves a database of its own.
    _lock: Option<File>,
}

/// Opens everything. Addresses are bound first: a second server on the same address must not
/// touch the database.
pub(crate) async fn prepare(settings: Settings) -> Result<Ready, Failure> {
    let server = &settings.server;
    let listeners = Listeners::bind(server).map_err(|error| {
        Failure::Failed(format!("cannot listen on {} or {}: {error}", server.listen, server.admin_listen))
    })?;
    // From here on a wish to stop is heard, and carried out once everything is open.
    let signals = signals()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let stores =
        Stores::ready(&settings.database, Arc::clone(&clock)).await.map_err(|error| Failure::of(&error))?;
    let lock = lock_beside(settings.database.url());
    let builder = AppBuilder::new(settings.clone()).clock(clock).stores(stores);
    let app = builder.build().await.map_err(|error| Failure::of(&error))?;
    app.beat().await;
    // Who holds the lock is the only process: every other node of this database is dead.
    let dead_after = if lock.is_some() { Duration::ZERO } else { settings.gateway.dead_after };
    app.sweep(dead_after).await;
    Ok(Ready { app, listeners, settings, signals, _lock: lock })
}

impl Ready {
    /// Serves until a signal, settles everything, and closes the database.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { app, listeners, settings, signals, _lock } = self;
        let background = TaskTracker::new();
        let stop = CancellationToken::new();
        background.spawn(ticker::run(app.clone(), settings.gateway, stop.clone()));
        background.spawn(ticker::deliver(app.clone(), stop.clone()));
        for job in &app.jobs().all {
            background.spawn(ticker::keep_doing(app.clone(), std::sync::Arc::clone(job), stop.clone()));
        }
        tracing::info!(
            address = %listeners.address()?,
            admin = %listeners.admin_address()?,
            node = %app.node(),
            version = env!("CARGO_PKG_VERSION"),
            "sys_startup"
        );
        serve::serve(&app, &settings.server, listeners, signals).await;
        stop.cancel();
        background.close();
        background.wait().await;
        app.flush_used_keys().await;
        app.tell_unfunded().await;
        if let Err(error) = app.custody().retire(app.node()).await {
            tracing::warn!(error = with_causes(&error), "node not retired");
        }
        app.stores().close().await.map_err(|error| Failure::of(&error))?;
        tracing::info!("sys_shutdown");
        Ok(())
    }
}

/// SIGTERM and SIGINT as wishes to stop.
fn signals() -> Result<StopSignals, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = mpsc::channel(4);
    let tracker = TaskTracker::new();
    tracker.spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if sender.send(()).await.is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

/// Takes the lock beside the file of an SQLite database; `None` for other databases, and when
/// another process serves the same file.
fn lock_beside(url: &str) -> Option<File> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next()?;
    if path.is_empty() || path == ":memory:" {
        return None;
    }
    let file = File::options().create(true).append(true).open(PathBuf::from(format!("{path}.lock"))).ok()?;
    file.try_lock().ok()?;
    Some(file)
}
