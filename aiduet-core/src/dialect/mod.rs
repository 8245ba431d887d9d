//! The two wire dialects as the gateway sees them: what a request asks for, what an answer
//! used, and the few bytes that change on the way. Everything else passes untouched.
//!
//! The words of a vendor (`choices`, `message_delta`) stay inside that vendor's directory.

mod answer;
mod anthropic;
mod continuation;
mod edit;
mod endpoint;
mod events;
mod fault;
mod head;
mod json;
mod meter;
mod openai;
mod piece;
mod reading;
mod request;
mod sse;
mod text;
mod transcript;
mod trouble;
mod value;

pub use answer::AnswerBroken;
pub(crate) use anthropic::messages_piece;
pub use anthropic::{count_request, counted_tokens};
pub(crate) use continuation::{Continuation, Shape, Turn, continued};
pub(crate) use edit::output_limit_name;
pub use edit::{Edits, edit};
pub use endpoint::{Dialect, Endpoint};
pub(crate) use events::{EventSplitter, SentEvent, stream_error};
pub use fault::{FaultKind, RequestFault};
pub use head::{FALLBACKS_MAX, MEDIA_TOKENS, ModelName, RequestHead};
pub(crate) use json::Text;
pub use meter::{Ending, Meter, MeterConfig, StreamError};
pub(crate) use openai::responses_piece;
pub(crate) use piece::{Piece, PieceKind};
pub use reading::{Reading, StreamFault};
pub use request::{DEPTH_MAX, ITEMS_MAX, inspect};
pub(crate) use request::{body_members, body_members_with};
pub use transcript::Transcript;
pub(crate) use transcript::{Call, Conversation, Message, Outcome, Part, Speaker};
pub use trouble::is_credit_trouble;
