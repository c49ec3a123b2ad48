//! The two doors to the capabilities: functions of the WIT package for guests, Greengrass IPC for
//! processes. What both have is tested through both, by one body: a function that takes the door
//! as its type, of which [`through_both_doors`] makes two tests. [`places`] says of everything else
//! why it is at one door alone.

pub(crate) mod ask;
mod configuration;
mod inference;
mod ipc;
mod lifecycle;
mod mqtt;
mod places;
mod pubsub;
mod rights;
mod secrets;
mod shadow;
mod wit;

use crate::device::Device;
use crate::host::{Host, Run, file, folder, run};
pub(crate) use ask::{Answer, Ask};
pub(crate) use ipc::Ipc;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use wit::Wit;

/// The component that a test asks, and another.
pub(crate) const ME: &str = "com.example.Me";
pub(crate) const OTHER: &str = "com.example.Other";

/// A component that does what it is asked to do, through its door.
pub(crate) trait Door: Sized {
    /// One at the other door.
    type Other: Door;

    /// What waits for the component to be run.
    type Waiting;

    /// The file that it is.
    fn artifact() -> Option<PathBuf>;

    /// Make one up.
    fn make() -> (Made, Self::Waiting);

    /// Reach the component of this name, which is being run.
    fn open(waiting: Self::Waiting, host: &mut Host, name: &str) -> Self;

    /// Have it do something, and wait for what comes of it.
    fn ask(&mut self, ask: Ask) -> Answer;
}

/// What makes a component.
pub(crate) struct Made {
    /// The manifest of its recipe.
    pub(crate) manifest: Value,
    /// What its configuration says under `sandbox`.
    pub(crate) sandbox: Value,
}

impl Made {
    /// The recipe without its head, for a component with this configuration: JSON, and YAML too.
    fn recipe(self, mut configuration: Value) -> String {
        configuration["sandbox"] = self.sandbox;
        let defaults = json!({ "DefaultConfiguration": configuration });
        format!("ComponentConfiguration: {defaults}\nManifests: [{}]\n", self.manifest)
    }
}

/// A run of two components, one at each door, and what it is given beside them.
pub(crate) struct Scene<D: Door> {
    me: D,
    other: D::Other,
    // Ended after those who ask: a guest ends when nobody asks any more.
    host: Host,
    _folder: TempDir,
}

impl<D: Door> Scene<D> {
    /// Components with these configurations.
    fn new(mine: Value, others: Value) -> Self {
        Self::with(mine, others, |run| run)
    }

    /// The same, in a run with further arguments.
    fn with(mine: Value, others: Value, prepare: impl FnOnce(Run) -> Run) -> Self {
        let folder = folder();
        let recipe = |name: &str, made: Made, configuration| {
            let text = format!(
                "RecipeFormatVersion: '2020-01-25'\nComponentName: {name}\n\
                 ComponentVersion: 1.0.0\n{}",
                made.recipe(configuration)
            );
            file(folder.path(), &format!("{name}.yaml"), text)
        };
        for artifact in [D::artifact(), D::Other::artifact()].into_iter().flatten() {
            fs::copy(&artifact, folder.path().join(artifact.file_name().unwrap())).unwrap();
        }
        let ((made, me), (other_made, other)) = (D::make(), D::Other::make());
        let recipes = [recipe(ME, made, mine), recipe(OTHER, other_made, others)];
        let mut host = prepare(run(recipes)).start().gentle();
        let me = D::open(me, &mut host, ME);
        let other = D::Other::open(other, &mut host, OTHER);
        Self { me, other, host, _folder: folder }
    }
}

/// Deploy one component to a device, and reach it.
pub(crate) fn deploy<D: Door>(
    device: &Device,
    nucleus: &mut Host,
    name: &str,
    configuration: Value,
) -> D {
    let (made, waiting) = D::make();
    device.recipe(name, "1.0.0", &made.recipe(configuration));
    if let Some(artifact) = D::artifact() {
        device.artifact(name, "1.0.0", &artifact);
    }
    device.deploy(["--merge", &format!("{name}=1.0.0")]).expect_code(0);
    D::open(waiting, nucleus, name)
}

/// What `accessControl` says to grant operations of a service on resources.
pub(crate) fn grant(service: &str, operations: &[&str], resources: &[&str]) -> Value {
    let operations: Vec<String> =
        operations.iter().map(|operation| format!("aws.greengrass#{operation}")).collect();
    json!({ service: { "policy:1": { "operations": operations, "resources": resources } } })
}

/// The keys of a path that are written with dots.
fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// Each function as two tests, one for each door.
macro_rules! through_both_doors {
    ($($scenario:ident),* $(,)?) => {
        mod wit {
            $(
                #[test]
                fn $scenario() {
                    super::$scenario::<crate::doors::Wit>();
                }
            )*
        }

        mod ipc {
            $(
                #[test]
                fn $scenario() {
                    super::$scenario::<crate::doors::Ipc>();
                }
            )*
        }
    };
}
use through_both_doors;
