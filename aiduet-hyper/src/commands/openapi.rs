//! `aiduet openapi`

use std::io::Write;

use crate::failure::Failure;

pub(super) fn run() -> Result<(), Failure> {
    std::io::stdout().write_all(aiduet_core::http::openapi().as_bytes())?;
    Ok(())
}
