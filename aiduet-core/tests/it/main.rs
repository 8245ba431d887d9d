//! The library from outside, its parts put together.

#[cfg(all(feature = "anthropic", feature = "openai", feature = "simulated", feature = "testing"))]
mod providers;
