//! Purchases against a card company on a socket: each payment is credited once, whatever is lost,
//! repeated or comes in another order.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod background;
mod books;
mod chaos;
mod client;
mod hesitant;
mod recharge;
mod shop;
