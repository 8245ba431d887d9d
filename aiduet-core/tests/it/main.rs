//! The library from outside, its parts put together.

#[cfg(all(
    feature = "http",
    feature = "oidc",
    feature = "sea-orm",
    feature = "simulated",
    feature = "testing"
))]
mod account;
#[cfg(all(
    feature = "anthropic",
    feature = "http",
    feature = "openai",
    feature = "sea-orm",
    feature = "simulated",
    feature = "testing"
))]
mod costs;
#[cfg(all(feature = "http", feature = "sea-orm", feature = "simulated", feature = "testing"))]
mod databases;
#[cfg(all(
    feature = "anthropic",
    feature = "http",
    feature = "openai",
    feature = "sea-orm",
    feature = "simulated",
    feature = "testing"
))]
mod gateway;
#[cfg(all(feature = "http", feature = "simulated", feature = "stripe", feature = "testing"))]
mod payment;
#[cfg(all(feature = "anthropic", feature = "openai", feature = "simulated", feature = "testing"))]
mod providers;
#[cfg(all(
    feature = "anthropic",
    feature = "http",
    feature = "openai",
    feature = "simulated",
    feature = "testing"
))]
mod routes;
