//! `gg-host deploy`: ask the nucleus for a local deployment, with the options of
//! `greengrass-cli deployment create`.

use super::{Format, RootArg};
use crate::clock::Clock;
use crate::control::Request;
use crate::control::client::ask;
use anyhow::{Context as _, Result, anyhow, ensure};
use gg_model::deployment::ComponentUpdatePolicy;
use gg_model::{
    ComponentName, ConfigurationUpdate, DeploymentGroup, FailureHandlingPolicy,
    LocalDeploymentRequest, RunWith,
};
use serde_json::Value;
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
    let root = args.root.path()?;
    let request = request(args)?.to_json();
    if args.plan {
        let steps = ask(&root, &Request::Plan { request }, |_| {})?;
        return print_plan(&steps, args.output);
    }
    let asked = ask(&root, &Request::Deploy { request }, |_| {})?;
    let id = asked["deploymentId"].as_str().unwrap_or_default().to_owned();
    if !args.wait {
        return match args.output {
            Format::Json => print_line(&asked.to_string()),
            Format::Text => print_line(&format!(
                "deployment {id} is queued; gg-host deployment status {id} shows how it gets on"
            )),
        };
    }
    super::deployment::follow(&root, &id, args.output)
}

fn print_line(line: &str) -> Result<ExitCode> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(ExitCode::SUCCESS)
}

fn print_plan(steps: &Value, output: Format) -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match (output, steps.as_array()) {
        (Format::Json, _) | (_, None) => writeln!(stdout, "{steps}")?,
        (Format::Text, Some(steps)) if steps.is_empty() => {
            writeln!(stdout, "nothing: all is as it is asked for")?;
        }
        (Format::Text, Some(steps)) => {
            for step in steps {
                let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
                writeln!(stdout, "{:<12} {}", text("step"), text("component"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn request(args: &Args) -> Result<LocalDeploymentRequest> {
    let now = Clock::system().unix_millis();
    let mut request = LocalDeploymentRequest {
        request_id: new_id(now).parse()?,
        request_timestamp: Some(now),
        group: match args.group_id.as_deref() {
            None | Some("") => DeploymentGroup::Local,
            Some(name) => DeploymentGroup::ThingGroup(name.to_owned()),
        },
        components_to_add: BTreeMap::new(),
        components_to_remove: args.remove.iter().cloned().collect(),
        configuration_updates: BTreeMap::new(),
        run_with: BTreeMap::new(),
        warnings: Vec::new(),
        recipe_directory: args.recipe_dir.as_deref().map(absolute).transpose()?,
        artifacts_directory: args.artifact_dir.as_deref().map(absolute).transpose()?,
        failure_handling: match args.failure_handling_policy {
            Policy::DoNothing => FailureHandlingPolicy::DoNothing,
            Policy::Rollback => FailureHandlingPolicy::Rollback,
        },
        component_update: match args.component_update_policy {
            Updates::Notify => ComponentUpdatePolicy::default(),
            Updates::Skip => ComponentUpdatePolicy::SKIP,
        },
    };
    for pair in &args.merge {
        let (name, version) = pair.split_once('=').ok_or_else(|| {
            anyhow!("--merge {pair}: write NAME=VERSION, for example com.example.Hello=1.0.0")
        })?;
        let name: ComponentName = name.parse().with_context(|| format!("--merge {pair}"))?;
        let version = version.parse().with_context(|| format!("--merge {pair}"))?;
        request.components_to_add.insert(name, version);
    }
    if let Some(update) = &args.update_config {
        request.configuration_updates = configuration(update).context("--update-config")?;
    }
    for told in &args.run_with {
        let (name, user) = told
            .split_once(":posixUser=")
            .with_context(|| format!("--run-with {told}: write NAME:posixUser=USER[:GROUP]"))?;
        let name = name.parse().with_context(|| format!("--run-with {told}"))?;
        request.run_with.entry(name).or_default().overlay(
            run_with("posixUser", user.into()).with_context(|| format!("--run-with {told}"))?,
        );
    }
    if let Some(limits) = &args.system_limits {
        for (name, limits) in json_map(limits).context("--system-limits")? {
            let told = run_with("systemResourceLimits", limits)
                .with_context(|| format!("--system-limits: {name}"))?;
            let name = name.parse().context("--system-limits")?;
            request.run_with.entry(name).or_default().overlay(told);
        }
    }
    let nothing = request.components_to_add.is_empty()
        && request.components_to_remove.is_empty()
        && request.configuration_updates.is_empty()
        && request.run_with.is_empty()
        && request.recipe_directory.is_none();
    ensure!(!nothing, "there is nothing to deploy; name components with --merge or --remove");
    Ok(request)
}

/// JSON, or a file with it.
fn json_map(text: &str) -> Result<serde_json::Map<String, Value>> {
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

fn run_with(key: &str, value: Value) -> Result<RunWith> {
    Ok(RunWith::parse(&serde_json::json!({ key: value }).to_string())?)
}

fn configuration(text: &str) -> Result<BTreeMap<ComponentName, ConfigurationUpdate>> {
    let whole = serde_json::json!({ "requestId": "0", "configurationUpdate": json_map(text)? });
    Ok(LocalDeploymentRequest::from_json(&whole)?.configuration_updates)
}

fn absolute(path: &Path) -> Result<String> {
    let found = path.canonicalize().with_context(|| format!("cannot open {}", path.display()))?;
    let text = found.into_os_string().into_string();
    text.map_err(|path| anyhow!("{} is not UTF-8", path.display()))
}

/// An identity that no other deployment has.
fn new_id(now: i64) -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut random = std::hash::RandomState::new().build_hasher();
    random.write_u32(std::process::id());
    format!("{now:x}-{:016x}", random.finish())
}
