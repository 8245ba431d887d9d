//! Stripe: hosted checkout pages, refunds, and signed messages. No card data passes through here.
//!
//! [`StripeProcessor`] is the [`PaymentProcessor`](crate::payment::PaymentProcessor). It pins the
//! version of the API, gives every command an identifier under which Stripe makes it once, and
//! believes no message: what moves money is asked from Stripe again.

mod charger;
mod client;
mod config;
mod error;
mod form;
mod processor;
mod records;
mod signature;
mod wire;

#[cfg(feature = "testing")]
pub(crate) use client::{Answer, Transport};
pub use config::{AutomaticTax, StripeConfig, StripeConfigError};
pub use error::{Refusal, StripeCode, StripeError};
pub use processor::StripeProcessor;

/// The version of the API that requests and events have.
///
/// # Source
/// <https://docs.stripe.com/api/versioning>, read 2026-11-26.
pub const API_VERSION: &str = "2026-07-29.dahlia";
