//! `aiduet version`

use super::Context;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let version = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": option_env!("AIDUET_COMMIT").unwrap_or("unknown"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "databases": ["sqlite", "postgres", "mysql"],
    });
    Ok(output::object(context.form, &version)?)
}
