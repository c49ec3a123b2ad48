//! What the benchmarks share: the host with components to measure, the same guests on bare
//! wasmtime, and the table.

#![allow(dead_code, reason = "each benchmark uses a part")]

pub(crate) mod device;
pub(crate) mod host;
pub(crate) mod lite;
pub(crate) mod mosquitto;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod report;

use anyhow::{Context, Result, ensure};
use report::Row;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's own folder.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A component of `benches/guests`, or a sample.
pub(crate) fn guest(name: &str) -> Result<PathBuf> {
    let folder = if name.starts_with("bench-") { "bench-guests" } else { "samples" };
    let path = Path::new(ROOT).join("target").join(folder).join(format!("{name}.wasm"));
    ensure!(path.is_file(), "{} is not there; cargo xtask bench builds it", path.display());
    path.canonicalize().with_context(|| path.display().to_string())
}

/// A program as it is started elsewhere: cargo tells its benchmarks where it keeps libraries, and
/// whatever they start would look there first, which takes a tenth of a shell's whole time.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// Whether an argument was given. Cargo adds one of its own, `--bench`.
pub(crate) fn argument(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// Whether a group of rows is wanted: all, unless some are named.
pub(crate) fn wanted(group: &str) -> bool {
    let mut named =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    named.peek().is_none() || named.any(|name| name == group)
}

/// Say on standard error how far it is: standard output is for the table.
#[expect(clippy::print_stderr, reason = "progress of a program that runs for minutes")]
pub(crate) fn progress(row: &Row) {
    let ratio = row.ratio().map(|ratio| format!(", {ratio:.2}x")).unwrap_or_default();
    eprintln!("  {}: {:.1} {}{ratio} {}", row.name, report::median(&row.ours), row.unit, row.note);
}

/// Print the rows: as a table, or with `--json` one JSON object a line.
#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
pub(crate) fn finish(rows: &[Row]) {
    if argument("--json") {
        rows.iter().for_each(|row| println!("{}", row.to_json()));
    } else {
        print!("{}", report::table(rows));
    }
}

/// The rows so far.
#[derive(Default)]
pub(crate) struct Rows(Vec<Row>);

impl Rows {
    pub(crate) fn add(&mut self, row: Row) {
        progress(&row);
        self.0.push(row);
    }
}

/// A group: its name, and what measures and adds its rows.
pub(crate) type Group = (&'static str, fn(&mut Rows) -> Result<()>);

/// Measure the groups that are wanted, and print their rows.
pub(crate) fn measure(groups: &[Group]) -> Result<()> {
    let mut rows = Rows::default();
    for (_, measure) in groups.iter().filter(|(name, _)| wanted(name)) {
        measure(&mut rows)?;
    }
    finish(&rows.0);
    Ok(())
}
