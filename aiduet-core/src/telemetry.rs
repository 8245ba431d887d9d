//! Logs: one JSON object per line with typed fields, or plain lines for people.

use std::fmt;

use crate::clock::{Clock, SystemClock};
use crate::settings::{LogFormat, TelemetrySettings};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Longest line, in bytes.
const LINE_MAX: usize = 2_048;
/// Longest value, in bytes.
const VALUE_MAX: usize = 512;

/// Where log lines go.
#[derive(Clone, Copy, Debug)]
pub enum Sink {
    /// A server: its lines are its output.
    Stdout,
    /// A command: its output is data, so lines go beside it.
    Stderr,
}

/// Starts logging. What `RUST_LOG` says does not count: libraries may print what they carry
/// below the level `info`, so they are never asked for it.
pub fn start(settings: TelemetrySettings, sink: Sink) {
    let level: LevelFilter = settings.level.as_str().parse().unwrap_or(LevelFilter::INFO);
    match sink {
        Sink::Stdout => install(settings.log_format, level, std::io::stdout),
        Sink::Stderr => install(settings.log_format, level, std::io::stderr),
    }
    std::panic::set_hook(Box::new(report_panic));
}

fn filter(level: LevelFilter) -> Targets {
    // A database may put values of its own into the notices that it sends.
    let database = level.min(LevelFilter::WARN);
    Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("sqlx", database)
        .with_target("aiduet", level)
}

fn install<W>(format: LogFormat, level: LevelFilter, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let result = match format {
        LogFormat::Json => {
            let lines = lines.event_format(Lines { clock: SystemClock::new() });
            tracing_subscriber::registry().with(filter(level)).with(lines).try_init()
        }
        LogFormat::Text => {
            let lines = lines.compact().with_target(false).with_ansi(false);
            tracing_subscriber::registry().with(filter(level)).with(lines).try_init()
        }
    };
    // A second start in one process keeps the first subscriber.
    drop(result);
}

/// Says where, never what: a message may hold what was being worked on.
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let (file, line) = info.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(target: "aiduet::panic", file, line, thread = thread.name().unwrap_or("unnamed"), "panic");
}

/// Writes events as JSON lines.
struct Lines {
    clock: SystemClock,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let meta = event.metadata();
        let mut line = Line::default();
        line.put("ts", self.clock.now().to_string());
        line.put("level", level_name(*meta.level()));
        line.put("target", meta.target());
        event.record(&mut line);
        writeln!(writer, "{}", Value::Object(line.fields))
    }
}

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// A line that is being put together and does not grow beyond its limit.
#[derive(Default)]
struct Line {
    fields: Map<String, Value>,
    bytes: usize,
}

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let name = if name == "message" { "event" } else { name };
        let mut value = value.into();
        if let Value::String(text) = &mut value {
            let end = (0..=VALUE_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or_default());
        }
        let bytes = name.len().saturating_add(value.to_string().len()).saturating_add(4);
        let room = LINE_MAX.saturating_sub(self.bytes).saturating_sub(32);
        if bytes > room {
            self.fields.insert("truncated".to_owned(), Value::Bool(true));
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.fields.insert(name.to_owned(), value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: LevelFilter, work: impl FnOnce()) -> Vec<Value> {
        let captured = Captured::default();
        let sink = captured.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || sink.clone())
            .event_format(Lines { clock: SystemClock::new() });
        let subscriber = tracing_subscriber::registry().with(filter(level)).with(layer);
        tracing::subscriber::with_default(subscriber, work);
        let bytes = captured.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .inspect(|line| assert!(line.len() <= LINE_MAX))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_has_typed_fields() {
        let lines = lines(LevelFilter::INFO, || {
            tracing::info!(target: "aiduet::request", status = 200_u16, stream = true, model = "m", "request");
        });
        let line = &lines[0];
        assert_eq!(line["event"], "request");
        assert_eq!(line["level"], "info");
        assert_eq!(line["status"], 200);
        assert_eq!(line["stream"], true);
        assert_eq!(line["model"], "m");
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn libraries_are_capped_at_info() {
        let lines = lines(LevelFilter::TRACE, || {
            tracing::trace!(target: "hyper::proto", "bytes of a request");
            tracing::debug!(target: "sqlx::query", "values");
            tracing::info!(target: "sqlx::postgres::notice", "values");
            tracing::info!(target: "hyper", "connected");
            tracing::trace!(target: "aiduet_core::gateway", "ours");
        });
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["connected", "ours"]);
    }

    #[test]
    fn sec_t51_no_text_breaks_out_of_its_line() {
        let hostile = [
            "a\nb",
            "a\r\n{\"level\":\"info\",\"event\":\"forged\"}",
            "\"}\n{\"event\":\"forged\"}",
            "\u{1b}[2J\u{1b}[1;31mred",
            "a\u{0}b\u{7f}\u{85}\u{2028}\u{2029}",
            "\\\",\"event\":\"forged",
        ];
        for text in hostile {
            let lines = lines(LevelFilter::INFO, || {
                tracing::info!(target: "aiduet", text, shown = %text, debug = ?text, "{text}");
            });
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(
                (&line["text"], &line["shown"], &line["event"]),
                (&text.into(), &text.into(), &text.into())
            );
            assert!(!line.to_string().bytes().any(|byte| byte < b' '), "{line}");
        }
    }

    #[test]
    fn a_line_stays_short_and_whole() {
        let long = "ä".repeat(10_000);
        let lines = lines(LevelFilter::INFO, || {
            tracing::info!(target: "aiduet", a = long, b = long, c = long, d = long, e = long, f = long, n = 1, "m");
        });
        assert_eq!(lines[0]["truncated"], true);
        assert_eq!(lines[0]["event"], "m");
    }
}
