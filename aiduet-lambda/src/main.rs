//! AI Duet on AWS Lambda: the same router, called by events of an API gateway (payload format
//! 2.0) or of a function URL.

mod event;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use aiduet_core::app::{App, AppBuilder};
use aiduet_core::http;
use aiduet_core::settings::{Layers, Settings};
use lambda_http::lambda_runtime;
use lambda_http::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use event::Handler;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

/// The last word of a process that could not start.
fn failed(text: &str) -> ExitCode {
    drop(writeln!(std::io::stderr().lock(), "aiduet-lambda: {text}"));
    ExitCode::FAILURE
}

async fn run() -> Result<(), Error> {
    let mut layers = Layers::default();
    let text = |text: std::ffi::OsString| text.into_string().ok();
    layers.environment(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))))?;
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {}", error.kind()))
    };
    let settings = layers.finish(&read)?.settings;
    log(&settings)?;
    let app = AppBuilder::new(settings.clone()).build().await?;
    let handler = Arc::new(handler(&app, &settings));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Error>(handler.answer(event.payload.get()).await) }
    }))
    .await
}

fn handler(app: &App, settings: &Settings) -> Handler {
    let router = http::edge::guarded(http::router(app.clone()), app.clone(), &settings.server);
    Handler::new(router, app.clone(), settings.gateway.heartbeat)
}

/// The runtime's own crates print what they carry below the level `info`.
fn log(settings: &Settings) -> Result<(), Error> {
    let level: LevelFilter = settings.telemetry.level.as_str().parse()?;
    let filter = Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("aiduet", level);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).without_time();
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(())
}
