//! Everything in this process, gone when it ends: for tests, demonstrations and single nodes.

mod price;

pub use price::MemoryPriceBook;
