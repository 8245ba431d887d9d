//! AI Duet on AWS Lambda: the same router, called by events of an HTTP API (payload format 2.0) or
//! of a function URL, and the work of a server's clock, called by scheduled events.

mod answer;
mod event;
mod handler;
mod runtime;
mod upkeep;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use aiduet_core::app::{App, AppBuilder, BuildError};
use aiduet_core::class::with_causes;
use aiduet_core::http::{self, dashboard};
use aiduet_core::settings::{Layers, Origin, Settings, SettingsError};
use aiduet_core::telemetry::{self, Sink};

use handler::{Ended, Handler};
use runtime::{ResponseMode, RuntimeApi, RuntimeError};

#[cfg(feature = "dashboard")]
const DASHBOARD: Option<dashboard::Bundle> = aiduet_dashboard::BUNDLE;
#[cfg(not(feature = "dashboard"))]
const DASHBOARD: Option<dashboard::Bundle> = None;

/// Where the platform says where its runtime interface is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// Whether answers stream; must agree with the invoke mode of the function URL.
const STREAMING: &str = "AIDUET_LAMBDA_STREAMING";

/// What differs from a server: one event at a time needs few connections, and a hundred processes
/// that start at once are no place for migrations.
const BUILT_IN: [(&str, &str); 2] =
    [("database.max_connections", "4"), ("database.migrate_on_start", "false")];

/// How long closing may take when the process begins anew.
const CLOSING: Duration = Duration::from_secs(1);

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{RUNTIME_API} is not set: this program runs on AWS Lambda; the server is `aiduet serve`")]
    NotOnLambda,
    #[error("{STREAMING} must be true (the function URL has the invoke mode RESPONSE_STREAM) or false")]
    Streaming,
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("no runtime: {0}")]
    Io(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            drop(writeln!(std::io::stderr().lock(), "aiduet-lambda: {}", with_causes(&failure)));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    let environment: Vec<(String, String)> =
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let api = RuntimeApi::new(value(&environment, RUNTIME_API).ok_or(Failure::NotOnLambda)?);
    let ended = serve(&api, &environment).await;
    if let Err(failure) = &ended
        && !matches!(failure, Failure::Runtime(_))
    {
        api.init_failed(&with_causes(failure)).await?;
    }
    ended
}

/// Answers events; after an interruption with everything new.
async fn serve(api: &RuntimeApi, environment: &[(String, String)]) -> Result<(), Failure> {
    let mode = mode(environment)?;
    let settings = settings(environment)?;
    telemetry::start(settings.telemetry, Sink::Stdout);
    loop {
        let app = AppBuilder::new(settings.clone()).build().await?;
        let mut handler = handler(&app, &settings, mode);
        app.beat().await;
        match handler.serve(api).await? {
            Ended::Interrupted => drop(tokio::time::timeout(CLOSING, close(&app)).await),
        }
    }
}

fn handler(app: &App, settings: &Settings, mode: ResponseMode) -> Handler {
    let routes = http::router(app.clone()).merge(dashboard::routes(DASHBOARD));
    Handler {
        router: http::edge::guarded(routes, app.clone(), &settings.server),
        mode,
        gateway: settings.gateway,
        beaten_at: app.clock().now(),
        app: app.clone(),
    }
}

/// Leaves a gateway that takes no calls any more.
async fn close(app: &App) {
    app.close().await;
    if let Err(error) = app.custody().retire(app.node()).await {
        tracing::warn!(error = with_causes(&error), "node not retired");
    }
    if let Err(error) = app.stores().close().await {
        tracing::warn!(error = with_causes(&error), "stores not closed");
    }
}

fn value<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

fn mode(environment: &[(String, String)]) -> Result<ResponseMode, Failure> {
    match value(environment, STREAMING) {
        None | Some("" | "false") => Ok(ResponseMode::Buffered),
        Some("true") => Ok(ResponseMode::Streaming),
        Some(_) => Err(Failure::Streaming),
    }
}

fn settings(environment: &[(String, String)]) -> Result<Settings, SettingsError> {
    let mut layers = Layers::default();
    for (key, text) in BUILT_IN {
        layers.set_text(key, text, Origin::BuiltIn("AWS Lambda"))?;
    }
    layers.environment(environment.iter().cloned())?;
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {}", error.kind()))
    };
    Ok(layers.finish(&read)?.settings)
}
