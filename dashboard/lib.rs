//! The dashboard, as the files a browser loads: built from the TypeScript beside this file by
//! `build.rs`, with hashed names, compressed beforehand.
//!
//! Without Node.js at build time there is none, and the server says how to get it.

/// What was built; `None` where Node.js or its packages were missing.
pub const BUNDLE: Option<aiduet_core::http::dashboard::Bundle> =
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
