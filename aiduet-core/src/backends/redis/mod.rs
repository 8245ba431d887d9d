//! Redis or Valkey: limits that several nodes share.
//!
//! What is kept there may be lost at any time. Money, keys and holds never depend on it: while it
//! cannot be reached, each node limits by itself.

mod limit;

pub use limit::{ConnectError, RedisLimiter};
