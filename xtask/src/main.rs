//! The project's own chores.

mod bench;
mod bindings;
mod check;
mod demo;
mod fuzz;
mod samples;
mod setup;
mod simulate;
mod test;

use anyhow::{Result, bail};
use std::env;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo       build the host and two samples, and run them together
  test       install what the tests need and run every test
  setup      install the toolchains of the guest languages
  samples    build the sample components into target/samples
  check      formatting, clippy, licences and sources of dependencies
  bench      run the benchmarks and print a table with ratios
  simulate   run fleets of devices at gg-cloud (--devices N, --rounds N, --idle SECONDS)
  fuzz       run the fuzz targets (TARGET…, --seconds N)
  bindings   generate the C bindings anew (--check: only compare)

--ci, or CI=true in the environment: what cannot be done is an error, not a warning";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let ci = env::var("CI").is_ok_and(|value| value == "true") || flag("--ci");
    match arguments.first().map(String::as_str) {
        Some("bench") => bench::run(&arguments[1..]),
        Some("bindings") => bindings::generate(ci || flag("--check")),
        Some("check") => check::run(),
        Some("demo") => demo::run(),
        Some("fuzz") => fuzz::run(&arguments[1..]),
        Some("samples") => samples::build(&setup::run(ci)?, None, ci),
        Some("setup") => setup::run(ci).map(drop),
        Some("simulate") => simulate::run(&arguments[1..]),
        Some("test") => test::run(ci, &arguments[1..]),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}
