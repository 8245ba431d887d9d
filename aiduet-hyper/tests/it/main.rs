//! The real binary, from outside.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what goes wrong here is a failed test")]

mod cli;
mod process;
#[expect(
    dead_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program as its reader would have it"
)]
mod quickstart;
mod server;
mod shutdown;
