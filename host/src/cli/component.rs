//! `gg-host component`: the components of this device.

use super::{Format, RootArg, ask};
use crate::logs::harmless;
use anyhow::Result;
use clap::Subcommand;
use gg_ipc::Call;
use gg_ipc::operation::call;
use gg_ipc::shapes::{
    ComponentDetails, GetComponentDetailsRequest, LastExit, ListComponentsRequest,
    PauseComponentRequest, RestartComponentRequest, ResumeComponentRequest, StopComponentRequest,
};
use serde_json::json;
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

    /// Ask, and say that it was done.
    fn ask<C: Call>(&self, request: &C::Request, key: &str, said: &str) -> Result<ExitCode> {
        ask::<C>(&self.root, request)?;
        match self.output {
            Format::Json => writeln!(std::io::stdout(), "{}", json!({ key: self.name() }))?,
            Format::Text => writeln!(std::io::stdout(), "{} {said}", self.name())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let wait = Some(true);
    match &args.command {
        Command::List { root, output } => {
            let all = ask::<call::ListComponents>(root, &ListComponentsRequest {})?;
            list(&all.components, *output)
        }
        Command::Pause(one) => {
            let request = PauseComponentRequest { component_name: one.name() };
            one.ask::<call::PauseComponent>(&request, "paused", "is paused")
        }
        Command::Restart(one) => {
            let request = RestartComponentRequest { component_name: one.name(), wait };
            one.ask::<call::RestartComponent>(&request, "restarted", "is started again")
        }
        Command::Resume(one) => {
            let request = ResumeComponentRequest { component_name: one.name() };
            one.ask::<call::ResumeComponent>(&request, "resumed", "goes on")
        }
        Command::Show(one) => {
            let request = GetComponentDetailsRequest { component_name: one.name() };
            let found = ask::<call::GetComponentDetails>(&one.root, &request)?;
            show(&found.component_details, one.output)
        }
        Command::Stop(one) => {
            let request = StopComponentRequest { component_name: one.name(), wait };
            one.ask::<call::StopComponent>(&request, "stopped", "is stopped")
        }
    }
}

fn list(all: &[ComponentDetails], output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    if output == Format::Json {
        writeln!(stdout, "{}", json!(all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = all.iter().map(|one| one.component_name.len()).max().unwrap_or_default();
    for one in all {
        let (name, version) = (&one.component_name, version(one));
        writeln!(stdout, "{name:<width$}  {version:<12} {}", state(one))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn version(component: &ComponentDetails) -> &str {
    component.version.as_deref().unwrap_or_default()
}

/// Its state, and that it is halted.
fn state(component: &ComponentDetails) -> String {
    let paused = if component.paused == Some(true) { " (paused)" } else { "" };
    format!("{}{paused}", component.state)
}

fn show(component: &ComponentDetails, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    if output == Format::Json {
        writeln!(stdout, "{}", json!(component))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(stdout, "{} {}", component.component_name, version(component))?;
    writeln!(stdout, "  state:     {}", state(component))?;
    if let Some(LastExit { code, reason }) = &component.last_exit {
        let code = code.map(|code| format!("code {code}"));
        let reason = reason.as_ref().map(|reason| harmless(reason).into_owned());
        let parts: Vec<String> = code.into_iter().chain(reason).collect();
        writeln!(stdout, "  last exit: {}", parts.join(", "))?;
    }
    Ok(ExitCode::SUCCESS)
}
