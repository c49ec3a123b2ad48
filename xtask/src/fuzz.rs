//! Runs the fuzz targets with the stable compiler: coverage comes from LLVM's own pass.

use anyhow::{Context, Result, bail};
use std::process::Command;
use std::{env, fs};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const TARGETS: [&str; 27] = [
    "access_control",
    "backup",
    "cloud_policy",
    "configuration",
    "deployment",
    "fleet_status",
    "identity",
    "image",
    "interpolate",
    "ipc_frame",
    "ipc_shapes",
    "kit",
    "load",
    "log_lines",
    "mqtt",
    "onnx",
    "pkcs11_uri",
    "provisioning_template",
    "recipe",
    "registry",
    "s3_documents",
    "secrets",
    "shadow",
    "trust",
    "unpack",
    "version_requirement",
    "worker",
];

/// What libFuzzer needs of every crate that is looked into.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// What a target begins with, where mutation alone would seldom find anything.
fn seeds(target: &str) -> &'static [&'static str] {
    match target {
        "onnx" => &["sample-components/models", "tests/models/hostile"],
        "trust" => &["host/crates/gg-trust/tests/data"],
        _ => &[],
    }
}

/// Run the named targets, or all, each for so many seconds (`--seconds N`, 60 unless told).
pub fn run(arguments: &[String]) -> Result<()> {
    let mut arguments = arguments.iter();
    let (mut seconds, mut chosen) = (60, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                seconds = arguments.next().context("--seconds N")?.parse().context("--seconds N")?
            }
            name if TARGETS.contains(&name) => chosen.push(name),
            name => bail!("no fuzz target {name}; there are {}", TARGETS.join(", ")),
        }
    }
    let chosen = if chosen.is_empty() { TARGETS.to_vec() } else { chosen };
    each(&chosen, seconds)
}

fn each(targets: &[&str], seconds: u32) -> Result<()> {
    // With the target named, build scripts and macros are left as they are.
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target", &host])
        .current_dir(format!("{ROOT}/fuzz"))
        .env("CARGO_TARGET_DIR", format!("{ROOT}/target/fuzz"))
        .env("RUSTFLAGS", COVERAGE)
        .status()?;
    if !built.success() {
        bail!("the fuzz targets do not build");
    }
    for target in targets {
        let (corpus, found) = (
            format!("{ROOT}/target/fuzz/corpus/{target}"),
            format!("{ROOT}/target/fuzz/found/{target}/"),
        );
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        println!("==> fuzzing {target} for {seconds} s");
        let output = Command::new(format!("{ROOT}/target/fuzz/{host}/release/{target}"))
            .arg(&corpus)
            .args(seeds(target).iter().map(|folder| format!("{ROOT}/{folder}")))
            .args(["-rss_limit_mb=2048", "-timeout=10", "-max_len=65536", "-print_final_stats=1"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={found}"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{target} found a fault; the input is in {found}\n{said}");
        }
        let runs =
            said.lines().find(|line| line.contains("number_of_executed_units")).unwrap_or_default();
        println!("    {runs}");
    }
    Ok(())
}
