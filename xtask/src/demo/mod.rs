//! The main job on two screens: a sensor publishes, a filter in another language reacts, and an
//! aggregator sums up; and components that come from a cloud to a device.

mod cloud;

use crate::{samples, setup};
use anyhow::{Context, Result, bail};
use cloud::Boto3;
use std::path::Path;
use std::process::Command;

/// Build what is needed and run it.
pub fn run() -> Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    step("building the host and gg-cloud (the first time takes some minutes)");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--package", "gg-host", "--package", "gg-cloud", "--no-default-features"])
        .current_dir(root)
        // Where the program is run from, whatever the user's own settings are.
        .env("CARGO_TARGET_DIR", format!("{root}/target"))
        .status()
        .context("cannot run cargo")?;
    if !built.success() {
        bail!("they do not build");
    }
    step("building the components");
    let tools = setup::for_demo();
    if tools.rust.is_none() {
        bail!("the demo needs Rust's target wasm32-wasip2; see the warning above");
    }
    let (filter, language) =
        if tools.js.is_some() { ("filter-js", "JavaScript") } else { ("filter-rs", "Rust") };
    samples::build(&tools, Some(&[filter]), false)?;

    step(&format!(
        "running: a sensor (Rust), a filter ({language}) and an aggregator (Rust); \
         MSG is a message on a topic"
    ));
    let samples = format!("{root}/target/samples");
    let status = Command::new(format!("{root}/target/debug/gg-host"))
        .arg("run")
        .args(["sensor", filter, "aggregator"].map(|name| format!("{samples}/{name}.yaml")))
        .args(["--config", "com.example.Sensor:count=12"])
        .args(["--config", "com.example.Sensor:intervalMs=250"])
        .args(["--config", "com.example.Aggregator:windowMs=1000"])
        .args([
            "--subscribe",
            "sensors/#",
            "--subscribe",
            "alerts/#",
            "--subscribe",
            "aggregates/#",
        ])
        .args(["--timeout", "30s", "--until", "com.example.Sensor"])
        .status()
        .context("cannot run gg-host")?;
    if !status.success() {
        bail!("gg-host ended with {status}");
    }
    step(
        "done: alerts/temperature came from the filter, aggregates/temperature from the aggregator",
    );
    match tools.ipc.zip(tools.aws) {
        Some((ipc, aws)) => {
            let boto3 = Boto3 { interpreter: ipc.interpreter, packages: aws.packages };
            cloud::run(Path::new(root), &boto3)
        }
        None => {
            step("without boto3 there is no cloud to show; see the warnings above");
            Ok(())
        }
    }
}

fn step(text: &str) {
    println!("\n==> {text}");
}
