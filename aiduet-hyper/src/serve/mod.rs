//! Listeners, and an end in steps that settles everything.

mod front;
mod io;

use std::net::SocketAddr;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::http;
use aiduet_core::settings::ServerSettings;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use self::front::{Front, Stop};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long streams that are told to end may take to say so to their clients.
const FAREWELL: Duration = Duration::from_secs(5);

#[cfg(feature = "dashboard")]
const DASHBOARD: Option<http::dashboard::Bundle> = aiduet_dashboard::BUNDLE;
#[cfg(not(feature = "dashboard"))]
const DASHBOARD: Option<http::dashboard::Bundle> = None;

/// Bound listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    public: TcpListener,
    /// `None`: the public one serves the operator too.
    admin: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses of the settings.
    pub(crate) fn bind(settings: &ServerSettings) -> std::io::Result<Self> {
        // Port 0 is a port of one's own choice, so twice 0 is two ports.
        let shared = settings.listen == settings.admin_listen && settings.listen.port() != 0;
        let public = listen(settings.listen)?;
        let admin = if shared { None } else { Some(listen(settings.admin_listen)?) };
        Ok(Self { public, admin })
    }

    /// Where clients connect: the port is known even if the settings left it open.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the operator connects.
    pub(crate) fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.as_ref().unwrap_or(&self.public).local_addr()
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A wish to stop; a second one is a wish to stop now.
pub(crate) type StopSignals = mpsc::Receiver<()>;

/// Serves until told to stop, then ends in steps: not ready, no new connections, running
/// requests finish or are cut off, everything is settled.
pub(crate) async fn serve(
    app: &App,
    settings: &ServerSettings,
    listeners: Listeners,
    mut signals: StopSignals,
) {
    let Listeners { public, admin } = listeners;
    let routes = http::router(app.clone()).merge(http::dashboard::routes(DASHBOARD));
    let routes = http::edge::guarded(routes, app.clone(), settings);
    let operator = http::admin_router(app.clone());
    let stop = Stop::default();
    // Probes and metrics are answered until the very end.
    let operator_stop = Stop::default();
    let accepting = TaskTracker::new();
    let routes = if admin.is_some() { routes } else { routes.merge(operator.clone()) };
    let front = Front::new(routes, settings, stop.clone());
    accepting.spawn(std::sync::Arc::clone(&front).accept(public));
    let operator_front = Front::new(operator, settings, operator_stop.clone());
    if let Some(admin) = admin {
        accepting.spawn(std::sync::Arc::clone(&operator_front).accept(admin));
    }

    let reason = signals.recv().await;
    tracing::info!(asked = reason.is_some(), "stopping");
    app.start_draining();
    let mut hurried = or_hurry(&mut signals, tokio::time::sleep(settings.drain_delay)).await.is_none();
    app.stop_accepting();
    stop.gently.cancel();
    if !hurried {
        let grace = tokio::time::timeout(settings.shutdown_grace, front.ended());
        hurried = !matches!(or_hurry(&mut signals, grace).await, Some(Ok(())));
    }
    if hurried {
        app.gateway().interrupt();
        let farewell = tokio::time::timeout(FAREWELL, front.ended());
        let said = or_hurry(&mut signals, farewell).await;
        tracing::info!(complete = matches!(said, Some(Ok(()))), "running requests were cut off");
    }
    stop.at_once.cancel();
    front.ended().await;
    app.close().await;
    operator_stop.gently.cancel();
    operator_stop.at_once.cancel();
    operator_front.ended().await;
    accepting.close();
    accepting.wait().await;
}

/// `None` when the operator asked again.
async fn or_hurry<T>(signals: &mut StopSignals, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        Some(()) = signals.recv() => None,
        done = work => Some(done),
    }
}
