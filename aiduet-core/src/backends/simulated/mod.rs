//! Both providers without a network: for demonstrations, tests and benchmarks.
//!
//! [`SimulatedProvider`] speaks the real wire formats of Chat Completions, Responses, Embeddings,
//! Messages and token counting, as JSON and as events. It calls tools, fits JSON schemas, thinks,
//! stops at limits and stop sequences, and counts tokens, cached ones included: a prefix of 1,024
//! tokens and more is written to the cache the first time (where the request marks it, or always
//! in the OpenAI dialect) and read the next time.
//!
//! # Directives
//! Words in the last user text make it do something in particular, and so does the end of the
//! model name (`gpt-5-simulate-429`, `claude-opus-5-simulate-cut-3`):
//!
//! | Word | What happens |
//! |---|---|
//! | `simulate:status=529` | an error of this status in the dialect's shape (`-simulate-529`) |
//! | `simulate:html=502` | an error page of this status |
//! | `simulate:quota` | the operator's account has no credit |
//! | `simulate:too_long` | the prompt does not fit the model |
//! | `simulate:retry_after=2s` | how long an error asks to wait |
//! | `simulate:refuse`, `simulate:reset` | no connection; the connection breaks before the answer |
//! | `simulate:hang` | no answer until patience is over |
//! | `simulate:garbage` | a success that is neither JSON nor events |
//! | `simulate:cut=3` | the connection breaks after 3 chunks |
//! | `simulate:end=3` | the answer ends without its end after 3 chunks |
//! | `simulate:stall=3` | nothing more comes after 3 chunks |
//! | `simulate:error=3` | an error inside the stream after 3 chunks |
//! | `simulate:no_usage` | no usage is reported |
//! | `simulate:usage=7` | every reported count is 7 |
//! | `simulate:slow=50ms` | time before each chunk |
//! | `simulate:chunks=1000` | the answer has 1,000 words, each a chunk |
//! | `simulate:calls=2` | two tools are called, also after a tool's result |
//! | `simulate:call=write {"path": "a"}` | this tool is called with these arguments, to the end of the line, if it is offered and no tool has answered yet |
//! | `simulate:refusal` | the model declines |
//! | `simulate:say=…` | the answer, word for word to the end of the line |
//!
//! Without a directive the first tool of a request is called, or the one that is forced; two if
//! any may be called, some must be, and parallel calls are allowed; none after a tool's result.

mod body;
mod cache;
mod chat;
mod embeddings;
mod messages;
mod openai;
mod plan;
mod prompt;
mod provider;
mod responses;
mod schema;
mod script;
mod seed;
#[cfg(all(feature = "http", feature = "stripe"))]
pub mod stripe;
mod tokens;
mod trouble;

pub use provider::{SimulatedConfig, SimulatedProvider};
