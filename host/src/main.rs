//! Parse the arguments, run a command, print what went wrong.

use clap::Parser as _;
use gg_host::cli::{Cli, fail};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}
