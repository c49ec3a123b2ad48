//! Parse the arguments, run a command, print what went wrong.

use clap::Parser as _;
use gg_cloud::cli::{Cli, fail};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}
