//! A look at everything that is measured, as values.

use gg_model::ComponentName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that is measured, at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// When, in milliseconds since the Unix epoch.
    pub time: i64,
    /// The core device's name.
    pub thing_name: String,
    /// The nucleus itself.
    pub nucleus: NucleusFigures,
    /// The components, by name.
    pub components: Vec<ComponentFigures>,
}

/// What is measured of the nucleus.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NucleusFigures {
    /// Its version.
    pub version: String,
    /// Seconds since it was started.
    pub uptime_seconds: f64,
    /// Processor time that its process has taken, components in the sandbox included.
    pub cpu_seconds: Option<f64>,
    /// Memory of its process that is in use.
    pub memory_bytes: Option<u64>,
    /// Deployments that ended since it was started, by how they did.
    pub deployments: BTreeMap<String, u64>,
    /// Transactions that the store wrote to disk.
    pub store_commits: u64,
}

/// What is measured of one component. What cannot be known now is not there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentFigures {
    /// Its name.
    pub component_name: ComponentName,
    /// Its version.
    pub version: String,
    /// What runs it.
    pub runtime: String,
    /// Its state.
    pub state: String,
    /// Whether it is halted.
    pub paused: bool,
    /// How often it has been started.
    pub starts: u64,
    /// How often it failed.
    pub errors: u64,
    /// Processor time so far; begins anew with some restarts.
    pub cpu_seconds: Option<f64>,
    /// Memory now.
    pub memory_bytes: Option<u64>,
    /// Processes now.
    pub processes: Option<u64>,
    /// Messages that it published to local topics.
    pub messages_published: u64,
    /// Messages of local topics that it received.
    pub messages_delivered: u64,
    /// Messages that it lost because its queues were full.
    pub messages_dropped: u64,
    /// Log records of it that were left out.
    pub log_records_dropped: u64,
    /// What it reports itself, by name and unit.
    pub reported: Vec<Reported>,
}

/// A metric that a component reports of itself: the sum of all values since the nucleus was
/// started.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Its name, in the component's own words.
    pub name: String,
    /// Its unit, in Greengrass's word.
    pub unit: String,
    /// The sum.
    pub sum: f64,
}

impl ComponentFigures {
    /// How often it was started again.
    pub fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }
}
