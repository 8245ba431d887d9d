//! AI Duet, a prepaid gateway to Anthropic and OpenAI models, as a library.
//!
//! The crate has a domain (this level), backends behind features, and an HTTP surface:
//!
//! - money and what it is counted by: [`money`], [`usage`], [`price`], [`ledger`], [`payment`];
//! - who may call: [`account`], [`auth`], [`keys`], [`limit`];
//! - what people are told: [`notify`]; what operators do: [`operator`], [`audit`];
//! - who answers: [`provider`], [`routing`], [`duet`], [`dialect`], [`translate`];
//! - the building blocks: [`id`], [`clock`], [`content`], [`secret`], [`class`].
//!
//! Every store is a trait with a small contract; `testing` has a conformance suite for each, for
//! your own backends too.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod account;
#[cfg(feature = "http")]
pub mod app;
pub mod audit;
pub mod auth;
pub mod backends;
pub mod class;
pub mod clock;
pub mod content;
pub mod cost;
pub mod dialect;
pub mod duet;
pub mod gateway;
#[cfg(feature = "http")]
pub mod http;
pub mod id;
pub mod jobs;
pub mod keys;
#[cfg(leak_mutants)]
mod leak;
pub mod ledger;
pub mod limit;
pub mod money;
pub mod notify;
pub mod operator;
pub mod payment;
pub mod policy;
pub mod price;
pub mod privacy;
pub mod provider;
pub mod report;
pub mod routing;
pub mod secret;
pub mod settings;
pub mod status;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod translate;
pub mod usage;
