//! The real binary, from outside.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what goes wrong here is a failed test")]

mod cli;
mod process;
mod server;
mod shutdown;
