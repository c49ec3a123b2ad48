//! `gg-host deployment`: how deployments stand.

use super::{Format, RootArg};
use crate::control::Request;
use crate::control::client::{ask, ask_through_restarts};
use crate::logs::harmless;
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Show deployments, and call them off.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Call a deployment off that has not changed anything yet.
    Cancel(One),
    /// The deployments that are remembered, the newest first.
    List {
        #[command(flatten)]
        root: RootArg,
        /// How to print.
        #[arg(long, short = 'o', value_enum, default_value_t)]
        output: Format,
    },
    /// How a deployment stands.
    Status {
        #[command(flatten)]
        one: One,
        /// Wait until it is over, and show how it gets on.
        #[arg(long, short = 'w')]
        wait: bool,
    },
}

#[derive(Debug, clap::Args)]
struct One {
    #[command(flatten)]
    root: RootArg,
    /// The deployment.
    #[arg(value_name = "ID", required_unless_present = "id_option")]
    id: Option<String>,
    /// The same, as greengrass-cli has it.
    #[arg(
        long = "deploymentId",
        short = 'i',
        value_name = "ID",
        conflicts_with = "id",
        hide = true
    )]
    id_option: Option<String>,
    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

impl One {
    fn id(&self) -> String {
        self.id.clone().or_else(|| self.id_option.clone()).unwrap_or_default()
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::Cancel(one) => {
            let answer = ask(&one.root.path()?, &Request::Cancel { id: one.id() }, |_| {})?;
            match one.output {
                Format::Json => writeln!(std::io::stdout(), "{answer}")?,
                Format::Text => {
                    writeln!(std::io::stdout(), "deployment {} is called off", one.id())?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::List { root, output } => {
            let all = ask(&root.path()?, &Request::Deployments, |_| {})?;
            list(&all, *output)
        }
        Command::Status { one, wait: true } => follow(&one.root.path()?, &one.id(), one.output),
        Command::Status { one, wait: false } => {
            let request = Request::Deployment { id: one.id(), follow: false };
            let deployment = ask(&one.root.path()?, &request, |_| {})?;
            show(&deployment, one.output)
        }
    }
}

fn list(all: &Value, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match (output, all.as_array()) {
        (Format::Json, _) | (_, None) => writeln!(stdout, "{all}")?,
        (Format::Text, Some(all)) => {
            for one in all {
                let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                let cause = one["deploymentStatusDetails"]["failureCause"].as_str();
                let cause = cause.unwrap_or_default().lines().next().unwrap_or_default();
                let line = format!(
                    "{:<32} {:<12} {} {cause}",
                    text("deploymentId"),
                    text("status"),
                    text("target")
                );
                writeln!(stdout, "{}", harmless(line.trim_end()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The code says whether it went well.
fn show(deployment: &Value, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    let status = deployment["status"].as_str().unwrap_or_default();
    match output {
        Format::Json => writeln!(stdout, "{deployment}")?,
        Format::Text => {
            let id = deployment["deploymentId"].as_str().unwrap_or_default();
            let details = &deployment["deploymentStatusDetails"];
            writeln!(stdout, "deployment {id}: {status}")?;
            for (key, label) in [("detailedStatus", "status"), ("failureCause", "cause")] {
                if let Some(text) = details[key].as_str() {
                    writeln!(stdout, "  {label}: {}", harmless(text))?;
                }
            }
        }
    }
    let failed = matches!(status, "FAILED" | "CANCELED");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Show how a deployment gets on until it is over.
pub(super) fn follow(root: &Path, id: &str, output: Format) -> Result<ExitCode> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let request = Request::Deployment { id: id.to_owned(), follow: true };
    let deployment = ask_through_restarts(root, &request, |phases| {
        let mut stderr = std::io::stderr().lock();
        if output == Format::Json {
            let _closed =
                writeln!(std::io::stdout(), "{}", serde_json::json!({ "progress": phases }));
            return;
        }
        for (component, phase) in phases.as_object().into_iter().flatten() {
            let phase = phase.as_str().unwrap_or_default().to_owned();
            if seen.get(component) != Some(&phase) {
                let _closed = writeln!(stderr, "  {phase:<10} {}", harmless(component));
                seen.insert(component.clone(), phase);
            }
        }
    })?;
    show(&deployment, output)
}
