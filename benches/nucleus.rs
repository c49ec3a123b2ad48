//! A device's nucleus as a whole: how long it takes to start, to deploy, to run what is not
//! WebAssembly, and to swap a component, and what it takes of the machine when nothing happens.

mod common;

/// A file for each group of rows.
mod nucleus {
    pub(crate) mod container;
    pub(crate) mod deploy;
    pub(crate) mod idle;
    pub(crate) mod spawn;
    pub(crate) mod start;
    pub(crate) mod step;
    pub(crate) mod swap;
}

use anyhow::Result;
use common::{Group, measure};
use nucleus::{container, deploy, idle, spawn, start, swap};

const GROUPS: [Group; 6] = [
    ("start", start::measure),
    ("deploy", deploy::measure),
    ("swap", swap::measure),
    ("spawn", spawn::measure),
    ("container", container::measure),
    ("idle", idle::measure),
];

fn main() -> Result<()> {
    measure(&GROUPS)
}
