//! Benchmarks, with everything they need in place, and one table of them all.

#[path = "../../benches/common/report.rs"]
#[expect(dead_code, reason = "here tables are made of rows that were measured elsewhere")]
mod report;

use crate::setup::docker;
use crate::{samples, setup};
use anyhow::{Context, Result, bail};
use report::Row;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The programs, in the order of the table.
const PROGRAMS: [&str; 11] = [
    "calls",
    "start",
    "pubsub",
    "footprint",
    "inference",
    "nucleus",
    "ipc",
    "mqtt",
    "reconnect",
    "shadow",
    "spool",
];

/// Run all benchmarks in an optimised build, or those named, and print a table. Rows as JSON are
/// left in `target/bench.json`. For containers, an engine runs meanwhile.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = |program: &&&str| arguments.is_empty() || arguments.iter().any(|a| a == **program);
    let programs: Vec<&str> = PROGRAMS.iter().filter(wanted).copied().collect();
    if programs.is_empty() {
        bail!("there are the benchmarks {}", PROGRAMS.join(", "));
    }
    let onnxruntime = setup::for_bench(programs.contains(&"inference"))?;
    samples::build_bench_guests()?;
    // All are built before one is run, so that nothing is built meanwhile.
    let mut build = cargo();
    build.arg("--no-run");
    for program in &programs {
        build.args(["--bench", program]);
    }
    if !build.status().context("cannot run cargo")?.success() {
        bail!("the benchmarks do not build");
    }
    let containers = match programs.contains(&"nucleus") {
        true => docker::start(&Path::new(ROOT).canonicalize()?.join("target/docker"), false)?,
        false => None,
    };
    let mut json = String::new();
    for program in programs {
        eprintln!("\n==> {program}");
        let output = cargo()
            .envs(onnxruntime.iter().flat_map(|onnx| {
                [("GG_BENCH_ONNXRUNTIME", &onnx.interpreter), ("GG_ONNXRUNTIME", &onnx.library)]
            }))
            .envs(containers.iter().flat_map(docker::Containers::environment))
            .args(["--quiet", "--bench", program, "--", "--json"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            bail!("the benchmark {program} failed");
        }
        json += &String::from_utf8(output.stdout)?;
    }
    drop(containers);
    let row = |line: &str| Row::from_json(&serde_json::from_str(line).ok()?);
    let rows: Vec<Row> = json.lines().filter_map(row).collect();
    fs::write(format!("{ROOT}/target/bench.json"), json)?;
    println!("\n{}", report::table(&rows));
    Ok(())
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--package", "gg-host"]).current_dir(ROOT);
    cargo
}
