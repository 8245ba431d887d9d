//! The two wire dialects as the gateway sees them: what a request asks for, what an answer
//! used, and the few bytes that change on the way. Everything else passes untouched.
//!
//! The words of a vendor (`choices`, `message_delta`) stay inside that vendor's directory.

mod endpoint;

pub use endpoint::{Dialect, Endpoint};
