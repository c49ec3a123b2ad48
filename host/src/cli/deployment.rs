//! `gg-host deployment`: how deployments stand.

use super::{Format, RootArg, ask, with_hint};
use crate::ipc::client::{Client, ClientError, through_restarts};
use crate::logs::harmless;
use anyhow::{Result, bail};
use clap::Subcommand;
use gg_ipc::operation::call;
use gg_ipc::shapes::{
    CancelLocalDeploymentRequest, DeploymentStatus, GetLocalDeploymentStatusRequest,
    ListLocalDeploymentsRequest, LocalDeployment, LocalDeploymentStatusEvents,
    SubscribeToLocalDeploymentStatusRequest,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
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
        Command::Cancel(one) => cancel(one),
        Command::List { root, output } => {
            let all = ask::<call::ListLocalDeployments>(root, &ListLocalDeploymentsRequest {})?;
            list(&all.local_deployments, *output)
        }
        Command::Status { one, wait: true } => follow(&one.root, &one.id(), one.output),
        Command::Status { one, wait: false } => {
            let request = GetLocalDeploymentStatusRequest { deployment_id: one.id() };
            let found = ask::<call::GetLocalDeploymentStatus>(&one.root, &request)?;
            show(&found.deployment, one.output)
        }
    }
}

fn cancel(one: &One) -> Result<ExitCode> {
    let request = CancelLocalDeploymentRequest { deployment_id: one.id() };
    if let Some(reason) = ask::<call::CancelLocalDeployment>(&one.root, &request)?.message {
        bail!("{reason}");
    }
    let mut stdout = std::io::stdout();
    match one.output {
        Format::Json => writeln!(stdout, "{}", json!({ "deploymentId": one.id() }))?,
        Format::Text => writeln!(stdout, "deployment {} is called off", one.id())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(all: &[LocalDeployment], output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    if output == Format::Json {
        writeln!(stdout, "{}", all.iter().map(json).collect::<Value>())?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in all {
        let LocalDeployment { deployment_id, status, target, .. } = one;
        let target = target.as_deref().unwrap_or_default();
        let cause = cause(one).unwrap_or_default().lines().next().unwrap_or_default();
        let line = format!("{deployment_id} {status:<12} {target} {cause}");
        writeln!(stdout, "{}", harmless(line.trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cause(deployment: &LocalDeployment) -> Option<&str> {
    deployment.deployment_status_details.as_ref()?.deployment_failure_cause.as_deref()
}

fn json(deployment: &LocalDeployment) -> Value {
    let detail = deployment.deployment_status_details.as_ref();
    json!({
        "deploymentId": deployment.deployment_id,
        "target": deployment.target,
        "status": deployment.status,
        "createdOn": deployment.created_on,
        "deploymentStatusDetails": {
            "detailedStatus": detail.map(|detail| detail.detailed_deployment_status),
            "failureCause": cause(deployment),
            "errorStack": detail.map(|detail| &detail.deployment_error_stack),
        },
    })
}

/// The code says whether it went well.
fn show(deployment: &LocalDeployment, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    let LocalDeployment { deployment_id, status, deployment_status_details, .. } = deployment;
    match (output, deployment_status_details) {
        (Format::Json, _) => writeln!(stdout, "{}", json(deployment))?,
        (Format::Text, detail) => {
            writeln!(stdout, "deployment {deployment_id}: {status}")?;
            if let Some(detail) = detail {
                writeln!(stdout, "  status: {}", detail.detailed_deployment_status)?;
            }
            if let Some(cause) = cause(deployment) {
                writeln!(stdout, "  cause: {}", harmless(cause))?;
            }
        }
    }
    let failed = matches!(status, DeploymentStatus::Failed | DeploymentStatus::Canceled);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Show how a deployment gets on until it is over.
pub(super) fn follow(root: &RootArg, id: &str, output: Format) -> Result<ExitCode> {
    let mut seen = BTreeMap::new();
    let watch = |client: Client| {
        let request = SubscribeToLocalDeploymentStatusRequest { deployment_id: id.to_owned() };
        for event in client.subscribe::<call::SubscribeToLocalDeploymentStatus>(&[request])? {
            match event? {
                LocalDeploymentStatusEvents::Ended(deployment) => return Ok(deployment),
                LocalDeploymentStatusEvents::Progress(progress) => {
                    tell(progress.phases, &mut seen, output);
                }
            }
        }
        // Whatever it is that has ended, it was not the deployment.
        Err(ClientError::Gone)
    };
    let deployment = through_restarts(&root.path()?, watch).map_err(with_hint)?;
    show(&deployment, output)
}

/// Show what has changed.
fn tell(phases: BTreeMap<String, String>, seen: &mut BTreeMap<String, String>, output: Format) {
    if output == Format::Json {
        let _closed = writeln!(std::io::stdout(), "{}", json!({ "progress": phases }));
        return;
    }
    let mut stderr = std::io::stderr().lock();
    for (component, phase) in phases {
        if seen.get(&component) != Some(&phase) {
            let _closed = writeln!(stderr, "  {phase:<10} {}", harmless(&component));
            seen.insert(component, phase);
        }
    }
}
