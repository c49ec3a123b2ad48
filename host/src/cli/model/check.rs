//! `gg-host model check`: whether a model gives what its golden vectors say.

use super::super::Format;
use super::{ModelArg, passed};
use crate::inference::worker::StartError;
use crate::logs::harmless;
use anyhow::{Result, bail};
use gg_inference::backend::Refused;
use serde_json::json;
use std::io::{self, Write as _};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArg,

    /// The backend; by default the first that runs the model rightly.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let path = args.model.file.display();
    if args.model.files().golden.is_none() {
        let beside = args.model.file.with_extension("golden.json");
        bail!(
            "{path} has no golden vectors: there is no {}; name them with --golden",
            beside.display()
        );
    }
    let outcome = match args.model.start(args.backend.as_deref()).await {
        Ok(worker) => Ok(worker.loaded().clone()),
        Err(StartError::Refused { reason, refused, .. }) => Err((reason, refused)),
        Err(error) => return Err(error.into()),
    };
    let text = match (args.output, &outcome) {
        (Format::Json, Ok(loaded)) => {
            let object = json!({
                "runs": true,
                "backend": loaded.backend,
                "device": loaded.device,
                "threads": loaded.threads,
                "checked": loaded.passed,
                "refused": loaded.refused,
            });
            format!("{object}\n")
        }
        (Format::Json, Err((reason, refused))) => {
            format!("{}\n", json!({ "runs": false, "reason": reason, "refused": refused }))
        }
        (Format::Text, Ok(loaded)) => {
            let first = format!("{path}: {} runs it; {}\n", loaded.backend, passed(loaded.passed));
            first + &reasons(&loaded.refused)
        }
        (Format::Text, Err((reason, refused))) => {
            let reason = reason.as_deref().unwrap_or("no backend runs it rightly");
            format!("{path}: {}\n{}", harmless(reason), reasons(refused))
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn reasons(refused: &[Refused]) -> String {
    let line = |one: &Refused| format!("  {}: {}\n", one.backend, harmless(&one.reason));
    refused.iter().map(line).collect()
}
