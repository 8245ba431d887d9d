//! Implementations of the domain's traits, each behind the feature of its name.

#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;
#[cfg(feature = "simulated")]
pub mod simulated;
