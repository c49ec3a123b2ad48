//! gg-host: an edge runtime for WASI components, with the semantics of AWS IoT Greengrass V2.
//!
//! In reading order: [`capability`] is what a component may ask of its host, [`runtime`] how it is
//! executed, [`ipc`] how it asks from outside the sandbox, [`component`] what is installed, [`supervisor`] what keeps it as desired,
//! [`deployment`] how it came to be desired, and [`nucleus`] where all of it meets.

pub mod bindings;
pub mod capability;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod component;
pub mod deployment;
pub mod doctor;
pub mod error;
mod fleet;
mod hexadecimal;
pub mod inference;
pub mod ipc;
pub mod logs;
pub mod metrics;
pub mod monitor;
pub mod network;
pub mod nucleus;
mod private_file;
mod random;
pub mod runtime;
pub mod store;
pub mod supervisor;
pub mod tasks;
pub mod token_exchange;
mod trie;
pub mod trust;
mod watched;
