//! `gg-host limits`: every limit of a component, its default, and how to set it.

use super::Format;
use anyhow::Result;
use gg_model::Limits;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// List the limits of a component with their defaults.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// Print the table.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let rows = Limits::default().describe();
    let mut text = String::new();
    match args.output {
        Format::Json => {
            for row in rows {
                let row = json!({
                    "name": row.name,
                    "default": row.value,
                    "unit": row.unit,
                    "description": row.description,
                });
                writeln!(text, "{row}")?;
            }
        }
        Format::Text => {
            for row in rows {
                writeln!(text, "{:<17} {:>9}  {}", row.name, row.value, row.description)?;
            }
            text.push_str(
                "\nSet one for a run with --limit NAME=VALUE, or in a component's configuration under sandbox.limits.\n",
            );
        }
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
