//! The router as a whole.

mod decisions;
mod signals;
mod silence;
mod world;
