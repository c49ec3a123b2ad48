//! The operations of the namespace `gg.host`: what the command line asks of the nucleus and
//! Greengrass has no operation for.

use super::{CreateLocalDeploymentRequest, LocalDeployment};
use crate::macros::or_empty;
use std::collections::BTreeMap;

shapes! {
    /// Ask for the level from which on logs are kept.
    pub struct GetLogLevelRequest {}

    /// It.
    pub struct GetLogLevelResponse {
        /// `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`.
        pub level: String,
    }

    /// Change the level from which on logs are kept, until the nucleus ends.
    pub struct SetLogLevelRequest {
        /// One of [`GetLogLevelResponse::level`].
        pub level: String,
    }

    /// It is changed.
    pub struct SetLogLevelResponse {}

    /// Ask for everything that is measured.
    pub struct GetMetricsRequest {}

    /// Everything that is measured.
    pub struct GetMetricsResponse {
        /// It.
        pub figures: Figures,
    }

    /// Everything that is measured, at one moment.
    pub struct Figures {
        /// When, in milliseconds since the Unix epoch.
        pub time: i64,
        /// The core device's name.
        pub thing_name: String,
        /// The nucleus itself.
        pub nucleus: NucleusFigures,
        /// The components, by name.
        #[serde(default, deserialize_with = "or_empty")]
        pub components: Vec<ComponentFigures>,
        /// The machine-learning models, by name.
        #[serde(default, deserialize_with = "or_empty")]
        pub models: Vec<ModelFigures>,
    }

    /// What is measured of a model, since the nucleus was started and through all its versions.
    #[derive(Default)]
    pub struct ModelFigures {
        /// Its name.
        pub model_name: String,
        /// The version that serves.
        pub version: String,
        /// What runs it; known once it was loaded.
        pub backend: Option<String>,
        /// Where it runs; known once it was loaded.
        pub device: Option<String>,
        /// Whether it is in memory.
        pub loaded: bool,
        /// Memory of its worker, while it has one.
        pub memory_bytes: Option<u64>,
        /// Predictions that wait now.
        pub waiting: u64,
        /// Predictions that were asked for.
        pub calls: u64,
        /// Those of them that were not made.
        pub errors: u64,
        /// Of these, the ones that took too long.
        pub late: u64,
        /// Of these, the ones for which the queue had no room.
        pub refused: u64,
        /// Predictions that were made.
        pub made: u64,
        /// Seconds from question to answer of all predictions that were made.
        pub seconds: f64,
        /// Times that it was run, each for one prediction or for a batch of them.
        pub runs: u64,
        /// Times that it was loaded.
        pub loads: u64,
        /// Times that it made room for others.
        pub evictions: u64,
        /// Times that its worker ended over a prediction.
        pub crashes: u64,
    }

    /// What is measured of the nucleus.
    #[derive(Default)]
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
        #[serde(default, deserialize_with = "or_empty")]
        pub deployments: BTreeMap<String, u64>,
        /// Transactions that the store wrote to disk.
        pub store_commits: u64,
        /// What waits for the cloud, if anything may.
        pub spool: Option<SpoolFigures>,
        /// The link to the cloud, if there is one.
        pub link: Option<LinkFigures>,
    }

    /// What waits for the cloud, and what went there since the nucleus was started.
    #[derive(Default)]
    pub struct SpoolFigures {
        /// Messages that wait or are under way.
        pub messages: u64,
        /// What they take, in bytes.
        pub bytes: u64,
        /// Messages that were taken.
        pub taken: u64,
        /// Messages that the broker has.
        pub sent: u64,
        /// Messages that were under way when the connection was lost, and are sent again.
        pub again: u64,
        /// Messages that were lost or refused, by reason.
        #[serde(default, deserialize_with = "or_empty")]
        pub lost: BTreeMap<String, u64>,
    }

    /// The link to the cloud, and what went over it since the nucleus was started.
    #[derive(Default)]
    pub struct LinkFigures {
        /// Whether there is a connection.
        pub up: bool,
        /// Why there is none, if that is known.
        pub fault: Option<String>,
        /// Connections that were made.
        pub connections: u64,
        /// Messages that came.
        pub received: u64,
        /// Messages that came and that nobody took.
        pub unclaimed: u64,
        /// Messages that the broker refused, which are lost.
        pub refused: u64,
    }

    /// What is measured of one component. What cannot be known now is not there.
    pub struct ComponentFigures {
        /// Its name.
        pub component_name: String,
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
        #[serde(default, deserialize_with = "or_empty")]
        pub reported: Vec<Reported>,
    }

    /// A metric that a component reports of itself: the sum of all values since the nucleus was
    /// started.
    pub struct Reported {
        /// Its name, in the component's own words.
        pub name: String,
        /// Its unit, in Greengrass's word.
        pub unit: String,
        /// The sum.
        pub sum: f64,
    }

    /// Ask what a local deployment would do.
    pub struct PlanLocalDeploymentRequest {
        /// The deployment.
        pub deployment: CreateLocalDeploymentRequest,
    }

    /// What a local deployment would do.
    pub struct PlanLocalDeploymentResponse {
        /// What, one after the other; nothing if all is as it asks.
        #[serde(default, deserialize_with = "or_empty")]
        pub steps: Vec<PlannedStep>,
    }

    /// What would be done with a component.
    pub struct PlannedStep {
        /// Its name.
        pub component_name: String,
        /// What, in a word: `install`, `reinstall`, `remove` and the like.
        pub step: String,
    }

    /// Ask how a local deployment gets on.
    pub struct SubscribeToLocalDeploymentStatusRequest {
        /// Its id.
        pub deployment_id: String,
    }

    /// Events follow, up to its end.
    pub struct SubscribeToLocalDeploymentStatusResponse {}

    /// What is being done for the deployment under way.
    pub struct LocalDeploymentProgress {
        /// What was begun last with each component, in a word: `download`, `install`, `start`.
        #[serde(default, deserialize_with = "or_empty")]
        pub phases: BTreeMap<String, String>,
    }
}

unions! {
    /// What a subscriber gets.
    pub enum LocalDeploymentStatusEvents {
        /// It is under way.
        Progress(LocalDeploymentProgress) = "progress",
        /// It is over; no other event follows.
        Ended(LocalDeployment) = "ended",
    }
}

impl ComponentFigures {
    /// How often it was started again.
    pub fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }
}
