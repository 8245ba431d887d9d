//! Conformance suites and factories, for the backends here and for your own.

pub mod price;
