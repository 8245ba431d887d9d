//! The simulated provider.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::body::{self, Delivery, Wire};
use super::cache::PromptCache;
use super::chat::{self, ChatWire};
use super::embeddings;
use super::messages::{self, MessagesWire};
use super::openai::{self, Head};
use super::plan;
use super::prompt::{Prompt, parse};
use super::responses::{self, ResponsesWire};
use super::script::{Fault, Script};
use super::seed::Seed;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::dialect::{Dialect, Endpoint};
use crate::provider::{
    Provider, ProviderError, ReplyBody, Stage, UpstreamCall, UpstreamReply, UpstreamRequestId,
};
use crate::usage::Usage;

/// How the simulation behaves where a request does not say.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedConfig {
    /// Time before each chunk of an answer.
    pub pace: Duration,
    /// How long a call that hangs takes to fail.
    pub patience: Duration,
}

impl Default for SimulatedConfig {
    fn default() -> Self {
        Self { pace: Duration::ZERO, patience: Duration::from_mins(5) }
    }
}

/// Answers every endpoint of both dialects without a network.
///
/// The text follows from the request, so the same request gets the same answer; identifiers are
/// new each time. One value is one account at the provider: its prompt cache is shared by all its
/// calls.
pub struct SimulatedProvider {
    config: SimulatedConfig,
    clock: Arc<dyn Clock>,
    cache: PromptCache,
    calls: AtomicU64,
}

impl fmt::Debug for SimulatedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedProvider").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What a call asks for.
enum Job {
    Generate(Box<Prompt>, Box<dyn Wire>),
    Count(Endpoint, u64, Script),
    Embed(embeddings::Wanted),
}

/// An answer before it is delivered.
enum Output {
    Events(plan::Answer, Box<dyn Wire>),
    Whole(Bytes),
}

impl SimulatedProvider {
    /// A provider that has seen nothing yet.
    pub fn new(config: SimulatedConfig, clock: Arc<dyn Clock>) -> Self {
        Self { config, clock, cache: PromptCache::default(), calls: AtomicU64::new(0) }
    }

    fn job(&self, call: &UpstreamCall, names: Seed) -> Result<Job, Trouble> {
        let (body, model) = parse(call.body.expose())?;
        Ok(match call.endpoint {
            Endpoint::ChatCompletions => {
                let prompt = chat::read(&body, model)?;
                let wire = ChatWire::new(self.head(&prompt, &body, names), &body);
                Job::Generate(Box::new(prompt), Box::new(wire))
            }
            Endpoint::Responses => {
                let prompt = responses::read(&body, model)?;
                let wire = ResponsesWire::new(self.head(&prompt, &body, names), &prompt, &body);
                Job::Generate(Box::new(prompt), Box::new(wire))
            }
            Endpoint::Messages => {
                let prompt = messages::read(&body, model)?;
                if prompt.limit.is_none() {
                    return Err(Trouble::missing("max_tokens"));
                }
                let wire = MessagesWire::new(&prompt, &body, names);
                Job::Generate(Box::new(prompt), Box::new(wire))
            }
            Endpoint::CountTokens => {
                let prompt = messages::read(&body, model)?;
                Job::Count(call.endpoint, prompt.tokens(), prompt.script)
            }
            Endpoint::InputTokens => {
                let prompt = responses::read(&body, model)?;
                Job::Count(call.endpoint, prompt.tokens(), prompt.script)
            }
            Endpoint::Embeddings => Job::Embed(embeddings::read(&body, model)?),
        })
    }

    /// What every answer of the OpenAI dialect carries.
    fn head(&self, prompt: &Prompt, body: &Value, names: Seed) -> Head {
        Head {
            model: prompt.model.clone(),
            created: self.clock.now().seconds(),
            tier: openai::tier(body),
            seed: names,
            reports_usage: !prompt.script.no_usage,
        }
    }

    /// The answer, and what was counted for it.
    fn output(&self, job: Job, dialect: Dialect) -> (Output, Usage) {
        match job {
            Job::Count(endpoint, tokens, script) => {
                let tokens = script.usage.unwrap_or(tokens);
                let counted = match endpoint.dialect() {
                    Dialect::OpenAi => json!({"object": "response.input_tokens", "input_tokens": tokens}),
                    Dialect::Anthropic => json!({"input_tokens": tokens}),
                };
                (Output::Whole(Bytes::from(counted.to_string())), Usage::default())
            }
            Job::Embed(wanted) => {
                let (text, tokens) = embeddings::write(&wanted);
                (Output::Whole(Bytes::from(text)), Usage { input: tokens, ..Usage::default() })
            }
            Job::Generate(prompt, mut wire) => {
                let answer = plan::answer(&prompt, dialect, &self.cache);
                let usage = answer.usage;
                if prompt.stream {
                    return (Output::Events(answer, wire), usage);
                }
                (Output::Whole(Bytes::from(wire.whole(&answer))), usage)
            }
        }
    }

    async fn attempt(&self, call: &UpstreamCall) -> Result<(UpstreamReply, Usage), ProviderError> {
        let dialect = call.endpoint.dialect();
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let names = Seed::of([call.body.expose().as_ref(), &number.to_le_bytes()]);
        let name = names.name("req_", 24);
        let error = |trouble: Trouble| {
            let body = whole(trouble.body(dialect, &name));
            (
                UpstreamReply { retry_after: trouble.retry_after, ..reply(trouble.status, &name, body) },
                Usage::default(),
            )
        };
        let job = match self.job(call, names) {
            Ok(job) => job,
            Err(trouble) => return Ok(error(trouble)),
        };
        let script = job.script();
        let stream = job.is_stream();
        let pace = script.pace.unwrap_or(self.config.pace);
        let delivery = Delivery { fault: script.fault, pace, patience: self.config.patience };
        match script.fault {
            Some(Fault::Refuse) => return Err(ProviderError::Connect),
            Some(Fault::Reset) => return Err(ProviderError::Broken { stage: Stage::Head }),
            Some(Fault::Hang) => {
                tokio::time::sleep(self.config.patience).await;
                return Err(ProviderError::Timeout { stage: Stage::Head });
            }
            Some(Fault::Html(status)) => {
                let page = Bytes::from_static(b"<html><body><h1>simulated error</h1></body></html>");
                return Ok((reply(status, &name, whole(page)), Usage::default()));
            }
            Some(Fault::Garbage) => {
                let body =
                    whole(Bytes::from_static(b"\xff\xfe{{{\x00 this is neither JSON nor a stream of events"));
                let garbled = UpstreamReply { is_event_stream: stream, ..reply(StatusCode::OK, &name, body) };
                return Ok((garbled, Usage::default()));
            }
            Some(Fault::Error(_)) if !stream => return Ok(error(openai::stream_error())),
            fault => {
                if let Some(trouble) = fault.and_then(|fault| trouble(fault, dialect)) {
                    let retry_after = script.retry_after.or(trouble.retry_after);
                    return Ok(error(Trouble { retry_after, ..trouble }));
                }
            }
        }
        let (output, usage) = self.output(job, dialect);
        let body = match output {
            Output::Events(answer, wire) => body::events(answer, wire, delivery),
            Output::Whole(bytes) => body::whole(bytes, delivery),
        };
        Ok((UpstreamReply { is_event_stream: stream, ..reply(StatusCode::OK, &name, body) }, usage))
    }
}

impl Job {
    const fn script(&self) -> &Script {
        match self {
            Self::Generate(prompt, _wire) => &prompt.script,
            Self::Count(_endpoint, _tokens, script) => script,
            Self::Embed(wanted) => &wanted.script,
        }
    }

    const fn is_stream(&self) -> bool {
        match self {
            Self::Generate(prompt, _wire) => prompt.stream,
            Self::Count(..) | Self::Embed(_) => false,
        }
    }
}

/// The answer that a fault turns into, if it is one with a status.
fn trouble(fault: Fault, dialect: Dialect) -> Option<Trouble> {
    match fault {
        Fault::Status(status) => Some(Trouble::of(status, "This error is simulated.")),
        Fault::Quota => Some(Trouble::quota(dialect)),
        Fault::TooLong => Some(Trouble::too_long(dialect)),
        Fault::Html(_) | Fault::Refuse | Fault::Hang | Fault::Reset | Fault::Garbage => None,
        Fault::Cut(_) | Fault::End(_) | Fault::Stall(_) | Fault::Error(_) => None,
    }
}

fn whole(bytes: Bytes) -> ReplyBody {
    body::whole(bytes, Delivery { fault: None, pace: Duration::ZERO, patience: Duration::ZERO })
}

fn reply(status: StatusCode, name: &str, body: ReplyBody) -> UpstreamReply {
    let upstream_request_id = UpstreamRequestId::parse(name);
    UpstreamReply { status, is_event_stream: false, upstream_request_id, retry_after: None, body }
}

#[async_trait]
impl Provider for SimulatedProvider {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        self.attempt(&call).await.map(|(reply, _usage)| reply)
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
