//! `gg-host new`: a component that builds and runs.
use anyhow::Result;
use std::process::ExitCode;
/// x
#[derive(Debug, clap::Args)]
pub(super) struct Args {}
pub(super) fn run(_: &Args) -> Result<ExitCode> {
    anyhow::bail!("not yet")
}
