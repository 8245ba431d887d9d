//! The command line of AI Duet: a server, and everything an operator does beside it.

mod boot;
mod cli;
mod commands;
mod config;
mod failure;
mod output;
mod process;
mod serve;
mod ticker;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A call takes and gives back memory some hundred times, across threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    process::harden();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("aiduet: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(&format!("aiduet: {failure}"));
            failure.code()
        }
    }
}
