//! The generated C bindings that are kept in `guest-sdk/c/bindings`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Generate them from the WIT package, or with `check` fail where they are not what would be generated.
pub fn generate(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked"]).current_dir(root.join("guest-sdk/c/bindgen"));
    cargo.env("CARGO_TARGET_DIR", root.join("target/bindgen"));
    if check {
        cargo.args(["--", "--check"]);
    }
    let status = cargo.status().context("failed to run cargo")?;
    if !status.success() {
        bail!("the C bindings are not up to date; `cargo xtask bindings` makes them so");
    }
    Ok(())
}
