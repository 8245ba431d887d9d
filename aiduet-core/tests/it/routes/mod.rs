//! Where a call goes: other upstreams, other models, other dialects.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod duet;
mod ensemble;
mod failover;
mod health;
mod money;
mod names;
mod recourse;
mod responses;
mod site;
mod translation;
