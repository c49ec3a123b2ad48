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
use common::report::Row;
use common::{finish, progress, wanted};
use nucleus::{container, deploy, idle, spawn, start, swap};

/// A group: measures, and adds its rows.
type Group = fn(&mut Rows) -> Result<()>;

const GROUPS: [(&str, Group); 6] = [
    ("start", start::measure),
    ("deploy", deploy::measure),
    ("swap", swap::measure),
    ("spawn", spawn::measure),
    ("container", container::measure),
    ("idle", idle::measure),
];

/// The rows so far.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, row: Row) {
        progress(&row);
        self.0.push(row);
    }
}

fn main() -> Result<()> {
    let mut rows = Rows::default();
    for (name, measure) in GROUPS {
        if wanted(name) {
            measure(&mut rows)?;
        }
    }
    finish(&rows.0);
    Ok(())
}
