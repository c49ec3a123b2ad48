//! What people sign with, held against this crate and this crate against it: cosign 2 and 3, and a registry.
//!
//! `cargo xtask test` brings the programs and says in variables where they are.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what is left behind is said")]

mod files;
mod images;
mod keys;
mod policy;
mod registry;
mod tools;
