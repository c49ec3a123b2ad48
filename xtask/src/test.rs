//! Tests, with everything they need in place.

use crate::setup::{Toolchains, docker};
use crate::{bindings, samples, setup};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Install, build, and run every test. Further arguments go to the test programs.
pub fn run(ci: bool, arguments: &[String]) -> Result<()> {
    let filter: Vec<&String> = arguments.iter().filter(|argument| *argument != "--ci").collect();
    let tools = prepare(ci)?;
    let mut environment = tools.environment();
    let crates = ["gg-model", "gg-ipc", "gg-inference", "gg-inference-tract", "gg-trust"];
    let crates = crates.iter().flat_map(|name| ["--package", *name]);
    let crates: Vec<&str> = ["test"].into_iter().chain(crates).collect();
    cargo(&crates, &filter, &environment)?;
    cargo(&["test", "--manifest-path", "guest-sdk/rust/Cargo.toml"], &filter, &environment)?;
    cloud(&tools, &filter)?;
    // It runs until it is dropped.
    let containers = docker::start(&Path::new(ROOT).canonicalize()?.join("target/docker"), ci)?;
    environment.extend(containers.iter().flat_map(docker::Containers::environment));
    cargo(&["test", "--package", "gg-host"], &filter, &environment)?;
    drop(containers);
    // Components of WASI 0.3, which a build of its own serves.
    cargo(
        &["test", "--package", "gg-host", "--features", "wasi3", "--test", "it"],
        &[&"wasi3".to_owned()],
        &tools.environment(),
    )
}

/// The control plane. Those of its tests that drive it with AWS's clients fail without these.
fn cloud(tools: &Toolchains, filter: &[&String]) -> Result<()> {
    if tools.aws.is_some() {
        return cargo(&["test", "--package", "gg-cloud"], filter, &tools.environment());
    }
    eprintln!("WARNING: gg-cloud is not tested with AWS's clients");
    cargo(&["test", "--package", "gg-cloud", "--lib"], filter, &[])
}

fn prepare(ci: bool) -> Result<Toolchains> {
    let tools = setup::run(ci)?;
    samples::build(&tools, None, ci)?;
    samples::build_guests()?;
    bindings::generate(true)?;
    Ok(tools)
}

fn cargo(command: &[&str], arguments: &[&String], environment: &[(&str, PathBuf)]) -> Result<()> {
    println!("\n==> cargo {}", command.join(" "));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(command).current_dir(ROOT).envs(environment.iter().cloned());
    // The tests look beside their own program for the components.
    cargo.env("CARGO_TARGET_DIR", format!("{ROOT}/target"));
    if !arguments.is_empty() {
        cargo.arg("--").args(arguments);
    }
    let status = cargo.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", command.join(" "));
    }
    Ok(())
}
