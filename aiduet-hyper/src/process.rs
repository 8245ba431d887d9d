//! What the process asks of the operating system.

use rustix::process::{DumpableBehavior, Resource, Rlimit, setrlimit};

/// No core dumps, and no other process of the same user may look inside: prompts and keys are in
/// memory. What cannot be had is reported, not fatal.
pub(crate) fn harden() {
    let core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if core.is_err() || dumpable.is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
}
