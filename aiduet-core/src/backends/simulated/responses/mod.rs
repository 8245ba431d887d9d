//! `POST /v1/responses`.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::ResponsesWire;
