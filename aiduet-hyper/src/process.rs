//! What the process asks of the operating system.

use aiduet_core::audit::OsUser;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getuid, setrlimit};

/// No core dumps, and no other process of the same user may look inside: prompts and keys are in
/// memory. What cannot be had is reported, not fatal.
pub(crate) fn harden() {
    let core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if core.is_err() || dumpable.is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
}

/// The user of the operating system whose process this is: not what the environment says, which
/// anybody sets.
pub(crate) fn os_user() -> Option<OsUser> {
    let uid = getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.parse().ok()).flatten()
    });
    named.or_else(|| format!("uid-{uid}").parse().ok())
}
