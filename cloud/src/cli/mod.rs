//! The command line: a file a subcommand, each with its arguments and one function.

mod backup;
mod data;
mod folder;
mod ready;
mod serve;
mod status;
mod thing;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write as _;
use std::process::ExitCode;

/// A control plane for Greengrass devices, with the APIs of AWS, in one program.
#[derive(Debug, Parser)]
#[command(name = "gg-cloud", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backup(backup::Backup),
    Restore(backup::Restore),
    Serve(Box<serve::Args>),
    Status(status::Args),
    Thing(thing::Arguments),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Output {
    Text,
    Json,
}

impl Cli {
    /// Do what was asked.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Backup(args) => backup::backup(&args),
            Command::Restore(args) => backup::restore(&args),
            Command::Serve(args) => serve::run(*args),
            Command::Status(args) => status::run(&args),
            Command::Thing(args) => thing::run(&args),
        }
    }
}

/// Say on standard error what went wrong, with all its causes.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let _nowhere_else = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }
}
