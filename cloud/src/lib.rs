//! A control plane for Greengrass devices: the cloud side of AWS IoT Greengrass V2, in one program.
//!
//! In reading order, each using only what comes before it:
//!
//! * [`clock`], [`tasks`]: time that tests can set; the one place that spawns.
//! * [`state`]: rows in transactions. [`artifacts`]: files by their digests. [`pki`]: whom clients trust.
//! * [`registry`]: what there is and what can be done with it, in no protocol's words.
//! * [`broker`]: MQTT, for devices.
//! * [`web`]: TLS, signatures, and the protocols of AWS.
//! * [`services`]: AWS's services, a table of operations each, which translate.
//! * [`cli`]: how it is started.
#![forbid(unsafe_code)]

mod allowance;
mod hexadecimal;
mod private_file;
mod random;

pub mod artifacts;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod pki;
pub mod registry;
pub mod services;
pub mod state;
pub mod tasks;
pub mod web;
