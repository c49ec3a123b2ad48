//! What the benchmarks of gg-cloud share: the real program in a folder of its own, who asks it over
//! REST, and what the system says of its process. Tables are those of the host's benchmarks.

#![allow(dead_code, reason = "each benchmark uses a part")]

pub(crate) mod client;
pub(crate) mod process;
#[path = "../../../benches/common/report.rs"]
pub(crate) mod report;
pub(crate) mod server;
pub(crate) mod tls;

use report::Row;

/// Whether an argument was given. Cargo adds one of its own, `--bench`.
pub(crate) fn argument(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// What follows each argument of a name.
pub(crate) fn values_of(name: &str) -> Vec<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let pairs = arguments.windows(2).filter(|pair| pair[0] == name);
    pairs.map(|pair| pair[1].clone()).collect()
}

/// Say on standard error how far it is: standard output is for the table.
#[expect(clippy::print_stderr, reason = "progress of a program that runs for minutes")]
pub(crate) fn say(text: &str) {
    eprintln!("  {text}");
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
