//! People: signing up, in and out, forgotten passwords, addresses, sessions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod billing;
mod consents;
mod deletion;
mod disputes;
mod entering;
mod exports;
mod flood;
mod google;
mod identity_provider;
mod inventory;
mod keys;
mod lifetimes;
mod limits;
mod links;
mod operators;
mod pages;
mod past_status;
mod prices;
mod routes;
mod shape;
mod site;
mod tables;
mod unfunded;
mod usage;
