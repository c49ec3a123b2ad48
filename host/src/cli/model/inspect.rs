//! `gg-host model inspect`: what a model is, and who can run it.

use super::super::Format;
use super::{ModelArg, passed};
use crate::inference::backends;
use crate::inference::digest::digest;
use crate::inference::worker::StartError;
use crate::logs::harmless;
use anyhow::{Context as _, Result, bail};
use bytesize::ByteSize;
use gg_inference::Port;
use gg_inference::backend::{Passed, Refused};
use gg_inference::check::kind;
use gg_inference::wire::{Loaded, Seen};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArg,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// What one backend makes of a model.
struct Verdict {
    backend: &'static str,
    outcome: Result<Passed, String>,
}

/// Look and print. The code is 1 when nobody can run it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let path = args.model.file.display();
    let mut seen: Option<Seen> = None;
    let mut verdicts = Vec::new();
    for backend in backends(args.model.library.find()?.is_some()) {
        let outcome = match args.model.start(Some(backend)).await {
            Ok(worker) => {
                let Loaded { backend: runs, passed, refused, seen: found, .. } =
                    worker.loaded().clone();
                seen = Some(found);
                // It may run in another way than this.
                match runs == backend {
                    true => Ok(passed),
                    false => Err(reasons(None, refused)),
                }
            }
            Err(StartError::Refused { reason: Some(reason), seen: None, .. }) => {
                bail!("{path}: {reason}")
            }
            Err(StartError::Refused { reason, refused, seen: found }) => {
                seen = seen.or_else(|| found.map(|found| *found));
                let own = refused.into_iter().filter(|one| [backend, ""].contains(&&*one.backend));
                Err(reasons(reason, own.collect()))
            }
            Err(error @ (StartError::Ended(_) | StartError::Late(_))) => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        verdicts.push(Verdict { backend, outcome });
    }
    let (size, digest) = digest(&args.model.file).with_context(|| format!("cannot read {path}"))?;
    let text = match args.output {
        Format::Json => format!("{:#}\n", as_json(size, &digest, seen.as_ref(), &verdicts)),
        Format::Text => as_text(&path.to_string(), size, &digest, seen.as_ref(), &verdicts),
    };
    io::stdout().write_all(text.as_bytes())?;
    let runs = verdicts.iter().any(|verdict| verdict.outcome.is_ok());
    Ok(if runs { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn reasons(reason: Option<String>, refused: Vec<Refused>) -> String {
    let all = reason.into_iter().chain(refused.into_iter().map(|one| one.reason));
    all.collect::<Vec<_>>().join("; ")
}

fn as_json(size: u64, digest: &str, seen: Option<&Seen>, verdicts: &[Verdict]) -> Value {
    let backends: Vec<_> = verdicts
        .iter()
        .map(|Verdict { backend, outcome }| match outcome {
            Ok(passed) => json!({ "name": backend, "runs": true, "checked": passed }),
            Err(reason) => json!({ "name": backend, "runs": false, "reason": reason }),
        })
        .collect();
    json!({
        "size": size,
        "digest": digest,
        "inputs": seen.map(|seen| &seen.inputs),
        "outputs": seen.map(|seen| &seen.outputs),
        "operators": seen.map(|seen| &seen.operators),
        "metadata": seen.map(|seen| &seen.metadata),
        "backends": backends,
    })
}

fn as_text(
    path: &str,
    size: u64,
    digest: &str,
    seen: Option<&Seen>,
    verdicts: &[Verdict],
) -> String {
    let mut text = format!("{path}  {}\nsha256  {digest}\n", ByteSize(size));
    if let Some(seen) = seen {
        ports(&mut text, "inputs", &seen.inputs);
        ports(&mut text, "outputs", &seen.outputs);
        let operators = seen.operators.iter().map(|(name, count)| format!("{count} {name}"));
        let operators = operators.collect::<Vec<_>>().join(", ");
        let _ok = write!(text, "operators\n  {}\n", harmless(&operators));
        if !seen.metadata.is_empty() {
            text.push_str("metadata\n");
        }
        for (key, value) in &seen.metadata {
            let value: String = value.chars().take(200).collect();
            let _ok = writeln!(text, "  {} = {}", harmless(key), harmless(&value));
        }
    }
    text.push_str("backends\n");
    for Verdict { backend, outcome } in verdicts {
        let line = match outcome {
            Ok(how) => format!("runs; {}", passed(*how)),
            Err(reason) => format!("does not run it: {reason}"),
        };
        let _ok = writeln!(text, "  {backend:<18} {}", harmless(&line));
    }
    text
}

fn ports(text: &mut String, title: &str, ports: &[Port]) {
    let widest = ports.iter().map(|port| port.name.chars().count()).max().unwrap_or_default();
    let _ok = writeln!(text, "{title}");
    for port in ports {
        let name = harmless(&port.name);
        let _ok = writeln!(text, "  {name:<width$}  {}", kind(port), width = widest.min(40));
    }
}
