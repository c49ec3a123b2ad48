//! `gg-host deploy`: ask the nucleus for a local deployment, with the options of
//! `greengrass-cli deployment create`.

use super::{Format, RootArg, ask};
use anyhow::{Context as _, Result, anyhow, ensure};
use gg_ipc::Document;
use gg_ipc::operation::call;
use gg_ipc::shapes::{
    ComponentConfigurationUpdate, ComponentUpdatePolicy, ComponentUpdatePolicyAction,
    CreateLocalDeploymentRequest, FailureHandlingPolicy, PlanLocalDeploymentRequest, PlannedStep,
    RunWithInfo,
};
use gg_model::{ComponentName, LocalDeploymentRequest, RunWith, VersionRequirement};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Change the components of this device.
///
/// Recipes are taken from --recipe-dir and artifacts from DIR/NAME/VERSION/ below --artifact-dir; both
/// are copied into the component store. The components that are named with --merge are added to
/// those of earlier local deployments, with all that they depend on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host deploy --recipe-dir recipes --artifact-dir artifacts --merge com.example.Hello=1.0.0 --wait
  gg-host deploy --merge com.example.Hello=1.1.0 --update-config '{\"com.example.Hello\": {\"MERGE\": {\"rate\": 5}}}'
  gg-host deploy --remove com.example.Hello --plan")]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// A folder with recipes.
    #[arg(long, short = 'r', visible_alias = "recipeDir", value_name = "DIR")]
    recipe_dir: Option<PathBuf>,

    /// A folder with artifacts, in folders NAME/VERSION.
    #[arg(long, short = 'a', visible_aliases = ["artifactDir", "artifacts-dir"], value_name = "DIR")]
    artifact_dir: Option<PathBuf>,

    /// A component that is to run, and its version.
    #[arg(
        long,
        short = 'm',
        visible_alias = "add-component",
        value_name = "NAME=VERSION",
        value_delimiter = ','
    )]
    merge: Vec<String>,

    /// A component that is no longer asked for.
    #[arg(long, visible_alias = "remove-component", value_name = "NAME", value_delimiter = ',')]
    remove: Vec<ComponentName>,

    /// Configuration, as JSON or a file with it: {"NAME": {"MERGE": {…}, "RESET": ["/pointer"]}}.
    #[arg(long, short = 'c', value_name = "JSON")]
    update_config: Option<String>,

    /// Who the processes of a component run as: NAME:posixUser=USER[:GROUP].
    #[arg(long, visible_alias = "runWith", value_name = "NAME:posixUser=USER")]
    run_with: Vec<String>,

    /// Limits of components, as JSON: {"NAME": {"memory": KIB, "cpus": CORES}}.
    #[arg(long, visible_alias = "systemLimits", value_name = "JSON")]
    system_limits: Option<String>,

    /// The thing group that the deployment is for, in place of the device's own.
    #[arg(long, short = 'g', visible_aliases = ["groupId", "group-name"], value_name = "NAME")]
    group_id: Option<String>,

    /// What happens when it fails.
    #[arg(long, visible_alias = "failure-handling", value_enum, default_value_t)]
    failure_handling_policy: Policy,

    /// Whether components that want to be told of deployments may put it off.
    #[arg(long, value_enum, default_value_t)]
    component_update_policy: Updates,

    /// Show what would be done, and do nothing.
    #[arg(long)]
    plan: bool,

    /// Wait until it is over, and show how it gets on.
    #[arg(long, short = 'w')]
    wait: bool,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Policy {
    /// The device stays as the failed deployment left it.
    #[value(name = "DO_NOTHING", alias = "do-nothing")]
    DoNothing,
    /// What was deployed before comes back.
    #[default]
    #[value(name = "ROLLBACK", alias = "rollback")]
    Rollback,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Updates {
    /// They are told, and it waits until they agree, up to a minute for an answer.
    #[value(name = "NOTIFY_COMPONENTS", alias = "notify-components")]
    Notify,
    /// They are not, as local deployments of Greengrass have it.
    #[default]
    #[value(name = "SKIP_NOTIFY_COMPONENTS", alias = "skip-notify-components")]
    Skip,
}

/// Ask, and wait if told to.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let request = request(args)?;
    if args.plan {
        let request = PlanLocalDeploymentRequest { deployment: request };
        let plan = ask::<call::PlanLocalDeployment>(&args.root, &request)?;
        return print_plan(&plan.steps, args.output);
    }
    let id = ask::<call::CreateLocalDeployment>(&args.root, &request)?.deployment_id;
    if args.wait {
        return super::deployment::follow(&args.root, &id, args.output);
    }
    let mut stdout = std::io::stdout();
    match args.output {
        Format::Json => writeln!(stdout, "{}", json!({ "deploymentId": id }))?,
        Format::Text => writeln!(
            stdout,
            "deployment {id} is queued; gg-host deployment status {id} shows how it gets on"
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_plan(steps: &[PlannedStep], output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    if output == Format::Json {
        let step = |one: &PlannedStep| json!({ "component": one.component_name, "step": one.step });
        writeln!(stdout, "{}", steps.iter().map(step).collect::<Value>())?;
        return Ok(ExitCode::SUCCESS);
    }
    if steps.is_empty() {
        writeln!(stdout, "nothing: all is as it is asked for")?;
    }
    for PlannedStep { component_name, step } in steps {
        writeln!(stdout, "{step:<12} {component_name}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn request(args: &Args) -> Result<CreateLocalDeploymentRequest> {
    let mut request = CreateLocalDeploymentRequest {
        group_name: args.group_id.clone().filter(|name| !name.is_empty()),
        root_component_versions_to_add: BTreeMap::new(),
        root_components_to_remove: args.remove.iter().map(ToString::to_string).collect(),
        component_to_configuration: BTreeMap::new(),
        component_to_run_with_info: BTreeMap::new(),
        recipe_directory_path: args.recipe_dir.as_deref().map(absolute).transpose()?,
        artifacts_directory_path: args.artifact_dir.as_deref().map(absolute).transpose()?,
        failure_handling_policy: Some(match args.failure_handling_policy {
            Policy::DoNothing => FailureHandlingPolicy::DoNothing,
            Policy::Rollback => FailureHandlingPolicy::Rollback,
        }),
        component_update_policy: Some(ComponentUpdatePolicy {
            action: Some(match args.component_update_policy {
                Updates::Notify => ComponentUpdatePolicyAction::NotifyComponents,
                Updates::Skip => ComponentUpdatePolicyAction::SkipNotifyComponents,
            }),
            timeout: None,
        }),
    };
    for pair in &args.merge {
        let (name, version) = pair.split_once('=').ok_or_else(|| {
            anyhow!("--merge {pair}: write NAME=VERSION, for example com.example.Hello=1.0.0")
        })?;
        let name: ComponentName = name.parse().with_context(|| format!("--merge {pair}"))?;
        let version: VersionRequirement =
            version.parse().with_context(|| format!("--merge {pair}"))?;
        let version = version.to_string();
        request.root_component_versions_to_add.insert(name.to_string(), version);
    }
    if let Some(update) = &args.update_config {
        request.component_to_configuration = configuration(update).context("--update-config")?;
    }
    for told in &args.run_with {
        let (name, user) = told
            .split_once(":posixUser=")
            .with_context(|| format!("--run-with {told}: write NAME:posixUser=USER[:GROUP]"))?;
        let name: ComponentName = name.parse().with_context(|| format!("--run-with {told}"))?;
        let told =
            run_with("posixUser", user.into()).with_context(|| format!("--run-with {told}"))?;
        let info = request.component_to_run_with_info.entry(name.to_string()).or_default();
        info.posix_user = told.posix_user;
    }
    if let Some(limits) = &args.system_limits {
        for (name, limits) in json_map(limits).context("--system-limits")? {
            let limits = if limits.is_null() { json!({}) } else { limits };
            let told = run_with("systemResourceLimits", limits)
                .with_context(|| format!("--system-limits: {name}"))?;
            let name: ComponentName = name.parse().context("--system-limits")?;
            let info = request.component_to_run_with_info.entry(name.to_string()).or_default();
            info.system_resource_limits = told.system_resource_limits;
        }
    }
    let nothing = request.root_component_versions_to_add.is_empty()
        && request.root_components_to_remove.is_empty()
        && request.component_to_configuration.is_empty()
        && request.component_to_run_with_info.is_empty()
        && request.recipe_directory_path.is_none();
    ensure!(!nothing, "there is nothing to deploy; name components with --merge or --remove");
    Ok(request)
}

/// JSON, or a file with it.
fn json_map(text: &str) -> Result<Map<String, Value>> {
    let text = match text.trim_start().starts_with('{') {
        true => text.to_owned(),
        false => std::fs::read_to_string(text)
            .with_context(|| format!("{text:?} is neither JSON nor a file"))?,
    };
    match serde_json::from_str(&text).context("not JSON")? {
        Value::Object(map) => Ok(map),
        _ => Err(anyhow!("write an object whose keys are components")),
    }
}

fn run_with(key: &str, value: Value) -> Result<RunWithInfo> {
    let whole = json!({ key: value });
    // The shape of the wire would let more through.
    RunWith::parse(&whole.to_string())?;
    Ok(serde_json::from_value(whole)?)
}

fn configuration(text: &str) -> Result<BTreeMap<String, ComponentConfigurationUpdate>> {
    let whole = json!({ "requestId": "0", "configurationUpdate": json_map(text)? });
    let updates = LocalDeploymentRequest::from_json(&whole)?.configuration_updates.into_iter();
    let update = |update: gg_model::ConfigurationUpdate| ComponentConfigurationUpdate {
        merge: match update.merge {
            Value::Object(members) => Some(Document(members)),
            _ => None,
        },
        reset: update.reset,
    };
    Ok(updates.map(|(name, one)| (name.to_string(), update(one))).collect())
}

fn absolute(path: &Path) -> Result<String> {
    let found = path.canonicalize().with_context(|| format!("cannot open {}", path.display()))?;
    let text = found.into_os_string().into_string();
    text.map_err(|path| anyhow!("{} is not UTF-8", path.display()))
}
