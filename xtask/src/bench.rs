//! Benchmarks, with everything they need in place, and one table of them all.

#[path = "../../benches/common/report.rs"]
#[expect(dead_code, reason = "here tables are made of rows that were measured elsewhere")]
mod report;

use crate::setup::docker;
use crate::{samples, setup};
use anyhow::{Context, Result, bail};
use report::Row;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The programs, in the order of the table.
const PROGRAMS: [&str; 14] = [
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
    "requests",
    "rollout",
    "signatures",
];

/// The crate that has one. Crates are built one by one, so that each has no more of what it uses than it
/// asks for.
fn package(program: &str) -> &'static str {
    match program {
        "fleet" | "requests" | "rollout" => "gg-cloud",
        "signatures" => "gg-trust",
        _ => "gg-host",
    }
}

/// Run all benchmarks in an optimised build, or those named, and print a table. Rows as JSON are
/// left in `target/bench.json`. For containers, an engine runs meanwhile.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = |program: &&&str| arguments.is_empty() || arguments.iter().any(|a| a == **program);
    let programs: Vec<&str> = PROGRAMS.iter().filter(wanted).copied().collect();
    if programs.is_empty() {
        bail!("there are the benchmarks {}", PROGRAMS.join(", "));
    }
    let mut onnxruntime = None;
    let runs_guests = |program: &&str| package(program) == "gg-host" || *program == "rollout";
    if programs.iter().any(runs_guests) {
        onnxruntime = setup::for_bench(programs.contains(&"inference"))?;
        samples::build_bench_guests()?;
    }
    if programs.contains(&"rollout") {
        build_host()?;
    }
    build(&programs)?;
    let containers = match programs.contains(&"nucleus") {
        true => docker::start(&Path::new(ROOT).canonicalize()?.join("target/docker"), false)?,
        false => None,
    };
    let mut json = String::new();
    for program in programs {
        eprintln!("\n==> {program}");
        let models = onnxruntime.iter().flat_map(|onnx| {
            [("GG_BENCH_ONNXRUNTIME", &onnx.interpreter), ("GG_ONNXRUNTIME", &onnx.library)]
        });
        let models = models.map(|(name, value)| (name, value.clone().into_os_string()));
        let engine = containers.iter().flat_map(docker::Containers::environment);
        let engine = engine.map(|(name, value)| (name, value.into()));
        json += &measure(program, &[], &models.chain(engine).collect::<Vec<_>>())?;
    }
    drop(containers);
    report(&json, "bench.json")
}

/// Build benchmarks, all before one is run, so that nothing is built meanwhile.
pub fn build(programs: &[&str]) -> Result<()> {
    let packages: BTreeSet<&str> = programs.iter().map(|program| package(program)).collect();
    for of in packages {
        let mut build = cargo(of);
        build.arg("--no-run");
        for program in programs.iter().filter(|program| package(program) == of) {
            build.args(["--bench", program]);
        }
        if !build.status().context("cannot run cargo")?.success() {
            bail!("the benchmarks do not build");
        }
    }
    Ok(())
}

/// Build the device's program, which `rollout` finds beside gg-cloud.
fn build_host() -> Result<()> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--package", "gg-host", "--bin", "gg-host"]);
    if !build.current_dir(ROOT).status().context("cannot run cargo")?.success() {
        bail!("gg-host does not build");
    }
    Ok(())
}

/// Run a benchmark. Its rows as JSON, one a line.
pub fn measure(
    program: &str,
    arguments: &[String],
    environment: &[(&str, OsString)],
) -> Result<String> {
    let output = cargo(package(program))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(["--quiet", "--bench", program, "--", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the benchmark {program} failed");
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Leave the rows in a file below `target`, and print a table of them.
pub fn report(json: &str, file: &str) -> Result<()> {
    let row = |line: &str| Row::from_json(&serde_json::from_str(line).ok()?);
    let rows: Vec<Row> = json.lines().filter_map(row).collect();
    fs::create_dir_all(format!("{ROOT}/target"))?;
    fs::write(format!("{ROOT}/target/{file}"), json)?;
    println!("\n{}", report::table(&rows));
    Ok(())
}

fn cargo(package: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--package", package]).current_dir(ROOT);
    cargo
}
