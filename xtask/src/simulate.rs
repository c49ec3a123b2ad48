//! A fleet of simulated devices at a real gg-cloud: `cloud/benches/fleet.rs`, and a table of what it
//! measured.

use crate::bench;
use anyhow::Result;

/// Build gg-cloud and the fleet optimised, run it with these arguments (`--devices N`, which can be given
/// several times, `--rounds N`, `--idle SECONDS`), and print a table. Rows as JSON are left in
/// `target/simulate.json`.
pub fn run(arguments: &[String]) -> Result<()> {
    bench::build(&["fleet"])?;
    let json = bench::measure("fleet", arguments, &[])?;
    bench::report(&json, "simulate.json")
}
