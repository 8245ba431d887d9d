//! What a request asks the simulation to do beside answering: `simulate:…` in the prompt, or
//! `-simulate-…` at the end of the model name.

use std::time::Duration;

use http::StatusCode;

/// Most pieces of text that may be asked for.
const CHUNKS_MAX: usize = 200_000;

/// Something that goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// An error of this status, in the dialect's shape.
    Status(StatusCode),
    /// An error page of this status, in HTML.
    Html(StatusCode),
    /// The account of the operator has no credit.
    Quota,
    /// The prompt is longer than the model takes.
    TooLong,
    /// No connection.
    Refuse,
    /// No answer.
    Hang,
    /// The connection breaks before the answer.
    Reset,
    /// An answer that is neither JSON nor events.
    Garbage,
    /// The connection breaks after so many chunks.
    Cut(usize),
    /// The answer ends without its end after so many chunks.
    End(usize),
    /// Nothing more comes after so many chunks.
    Stall(usize),
    /// An error inside the stream after so many chunks.
    Error(usize),
}

/// What a request asks the simulation to do.
#[derive(Clone, Default)]
pub(super) struct Script {
    pub(super) fault: Option<Fault>,
    pub(super) retry_after: Option<Duration>,
    /// Time before each chunk.
    pub(super) pace: Option<Duration>,
    /// The answer has so many words, each a chunk.
    pub(super) chunks: Option<usize>,
    /// So many tools are called.
    pub(super) calls: Option<usize>,
    /// This tool is called, if it is offered.
    pub(super) call: Option<ScriptedCall>,
    /// The answer, word for word.
    pub(super) say: Option<String>,
    /// The model declines.
    pub(super) refuses: bool,
    pub(super) no_usage: bool,
    /// Every count that is reported.
    pub(super) usage: Option<u64>,
}

/// A call of a tool, word for word.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ScriptedCall {
    pub(super) tool: String,
    pub(super) arguments: String,
}

/// A word after `simulate:` that means nothing.
pub(super) struct UnknownDirective;

impl Script {
    /// Reads the markers of the last user text and of the model name.
    pub(super) fn read(model: &str, text: &str) -> Result<Self, UnknownDirective> {
        let mut script = Self::default();
        if let Some((_name, directive)) = model.rsplit_once("-simulate-") {
            let (name, value) = directive.split_once('-').unwrap_or((directive, ""));
            if directive.bytes().all(|byte| byte.is_ascii_digit()) {
                script.apply("status", directive)?;
            } else {
                script.apply(name, value)?;
            }
        }
        let mut rest = text;
        while let Some((_before, after)) = rest.split_once("simulate:") {
            let line = after.lines().next().unwrap_or_default();
            if script.apply_line(line)? {
                rest = after.get(line.len()..).unwrap_or_default();
                continue;
            }
            let word = after.split_whitespace().next().unwrap_or_default();
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            script.apply(name, value)?;
            rest = after;
        }
        Ok(script)
    }

    /// Takes a directive whose value is the rest of the line; `false` if it is another one.
    fn apply_line(&mut self, line: &str) -> Result<bool, UnknownDirective> {
        if let Some(words) = line.strip_prefix("say=") {
            self.say = Some(words.to_owned());
        } else if let Some(call) = line.strip_prefix("call=") {
            let (tool, arguments) = call.split_once(' ').ok_or(UnknownDirective)?;
            self.call = Some(ScriptedCall { tool: tool.to_owned(), arguments: arguments.to_owned() });
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn apply(&mut self, name: &str, value: &str) -> Result<(), UnknownDirective> {
        let count = || value.parse::<usize>().ok();
        let fault = match name {
            "status" => status(value).map(Fault::Status),
            "html" => status(value).map(Fault::Html),
            "quota" => Some(Fault::Quota),
            "too_long" => Some(Fault::TooLong),
            "refuse" => Some(Fault::Refuse),
            "hang" => Some(Fault::Hang),
            "reset" => Some(Fault::Reset),
            "garbage" => Some(Fault::Garbage),
            "cut" => count().map(Fault::Cut),
            "end" => count().map(Fault::End),
            "stall" => count().map(Fault::Stall),
            "error" => count().map(Fault::Error),
            _ => return self.apply_shape(name, value),
        };
        self.fault = Some(fault.ok_or(UnknownDirective)?);
        Ok(())
    }

    /// What changes an answer without breaking it.
    fn apply_shape(&mut self, name: &str, value: &str) -> Result<(), UnknownDirective> {
        match name {
            "no_usage" => self.no_usage = true,
            "refusal" => self.refuses = true,
            "usage" => self.usage = Some(value.parse().map_err(|_number| UnknownDirective)?),
            "calls" => self.calls = Some(value.parse().map_err(|_number| UnknownDirective)?),
            "chunks" => {
                let chunks: usize = value.parse().map_err(|_number| UnknownDirective)?;
                self.chunks = Some(chunks.min(CHUNKS_MAX));
            }
            "slow" => self.pace = Some(duration(value).ok_or(UnknownDirective)?),
            "retry_after" => self.retry_after = Some(duration(value).ok_or(UnknownDirective)?),
            _ => return Err(UnknownDirective),
        }
        Ok(())
    }
}

fn status(text: &str) -> Option<StatusCode> {
    let status = StatusCode::from_u16(text.parse().ok()?).ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// `50ms` or `2s`.
fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(model: &str, text: &str) -> Script {
        Script::read(model, text).ok().expect("every directive is known")
    }

    #[test]
    fn markers_of_the_prompt_and_of_the_model_name_are_read() {
        assert!(read("m", "hello").fault.is_none());
        assert!(
            read("m", "a simulate:status=529 b").fault
                == Some(Fault::Status(StatusCode::from_u16(529).unwrap()))
        );
        assert!(read("gpt-5-simulate-429", "").fault == Some(Fault::Status(StatusCode::TOO_MANY_REQUESTS)));
        assert!(read("gpt-5-simulate-cut-3", "").fault == Some(Fault::Cut(3)));
        assert!(read("gpt-5-simulate-no_usage", "").no_usage);
        let script =
            read("m", "simulate:chunks=10 simulate:slow=50ms\nsimulate:say=one two\nsimulate:no_usage");
        assert_eq!((script.chunks, script.pace), (Some(10), Some(Duration::from_millis(50))));
        assert_eq!(script.say.as_deref(), Some("one two"));
        assert!(script.no_usage);
        let call = read("m", "simulate:call=write {\"path\": \"a b\"}\nand so on").call.expect("a call");
        assert_eq!((call.tool.as_str(), call.arguments.as_str()), ("write", "{\"path\": \"a b\"}"));
    }

    #[test]
    fn a_misspelt_marker_is_refused() {
        for text in [
            "simulate:",
            "simulate:call=write",
            "simulate:cutt=3",
            "simulate:cut=x",
            "simulate:status=200",
            "simulate:slow=5",
        ] {
            assert!(Script::read("m", text).is_err(), "{text}");
        }
        assert!(Script::read("m-simulate-oops", "").is_err());
    }
}
