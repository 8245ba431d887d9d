//! People: signing up, in and out, forgotten passwords, addresses, sessions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod billing;
mod consents;
mod deletion;
mod entering;
mod inventory;
mod keys;
mod links;
mod pages;
mod shape;
mod site;
mod usage;

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Memory,
    Sqlite,
}

/// Expands to one test per check and store.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(crate::account::Store::Memory).await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::account::Store::Sqlite).await; })*
        }
    };
}
use on_both;
