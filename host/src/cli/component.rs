//! `gg-host component`: the components of this device.

use super::{Format, RootArg};
use crate::control::Request;
use crate::control::client::ask;
use crate::logs::harmless;
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::io::Write as _;
use std::process::ExitCode;

/// Show components, pause, stop and restart them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All components and how they stand.
    List {
        #[command(flatten)]
        root: RootArg,
        /// How to print.
        #[arg(long, short = 'o', value_enum, default_value_t)]
        output: Format,
    },
    /// Halt a component where it is, until it is resumed, stopped, or changed by a deployment.
    Pause(One),
    /// Stop a component and start it again.
    Restart(One),
    /// Let a component that was paused go on.
    Resume(One),
    /// How a component stands, and how it ended last.
    #[command(visible_alias = "details")]
    Show(One),
    /// Stop a component, until the next deployment that changes it, or the next start.
    Stop(One),
}

#[derive(Debug, clap::Args)]
struct One {
    #[command(flatten)]
    root: RootArg,
    /// The component.
    #[arg(value_name = "NAME", required_unless_present = "name_option")]
    name: Option<String>,
    /// The same, as greengrass-cli has it.
    #[arg(long = "name", short = 'n', value_name = "NAME", conflicts_with = "name", hide = true)]
    name_option: Option<String>,
    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

impl One {
    fn name(&self) -> String {
        self.name.clone().or_else(|| self.name_option.clone()).unwrap_or_default()
    }

    fn ask(&self, request: &Request, said: &str) -> Result<ExitCode> {
        let answer = ask(&self.root.path()?, request, |_| {})?;
        match self.output {
            Format::Json => writeln!(std::io::stdout(), "{answer}")?,
            Format::Text => writeln!(std::io::stdout(), "{} {said}", self.name())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::List { root, output } => {
            let all = ask(&root.path()?, &Request::Components, |_| {})?;
            list(&all, *output)
        }
        Command::Pause(one) => one.ask(&Request::Pause { name: one.name() }, "is paused"),
        Command::Resume(one) => one.ask(&Request::Resume { name: one.name() }, "goes on"),
        Command::Restart(one) => {
            one.ask(&Request::Restart { name: one.name() }, "is started again")
        }
        Command::Show(one) => {
            let component =
                ask(&one.root.path()?, &Request::Component { name: one.name() }, |_| {})?;
            show(&component, one.output)
        }
        Command::Stop(one) => one.ask(&Request::Stop { name: one.name() }, "is stopped"),
    }
}

fn list(all: &Value, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match (output, all.as_array()) {
        (Format::Json, _) | (_, None) => writeln!(stdout, "{all}")?,
        (Format::Text, Some(all)) if all.is_empty() => {
            writeln!(stdout, "no components; gg-host deploy --help shows how to add some")?;
        }
        (Format::Text, Some(all)) => {
            let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let name = |one: &Value| text(one, "componentName");
            let width = all.iter().map(|one| name(one).len()).max().unwrap_or_default();
            for one in all {
                let (name, version) = (name(one), text(one, "version"));
                writeln!(stdout, "{name:<width$}  {version:<12} {}", state(one))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Its state, and that it is halted.
fn state(component: &Value) -> String {
    let paused = if component["paused"] == true { " (paused)" } else { "" };
    format!("{}{paused}", component["state"].as_str().unwrap_or_default())
}

fn show(component: &Value, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    if output == Format::Json {
        writeln!(stdout, "{component}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |key: &str| component[key].as_str().unwrap_or_default().to_owned();
    writeln!(stdout, "{} {}", text("componentName"), text("version"))?;
    writeln!(stdout, "  state:     {}", state(component))?;
    let exit = &component["lastExit"];
    let code = exit["code"].as_i64().map(|code| format!("code {code}"));
    let reason = exit["reason"].as_str().map(|reason| harmless(reason).into_owned());
    let parts: Vec<String> = code.into_iter().chain(reason).collect();
    if !parts.is_empty() {
        writeln!(stdout, "  last exit: {}", parts.join(", "))?;
    }
    Ok(ExitCode::SUCCESS)
}
