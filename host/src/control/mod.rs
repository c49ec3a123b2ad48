//! How the command line talks to a nucleus that runs: one JSON object a line, over a socket in the
//! root folder that only its owner can open.
//!
//! A client sends one [`Request`] and reads [`Reply`]s until [`Reply::Done`] or [`Reply::Failed`].

pub mod client;
pub(crate) mod server;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The socket's name in the root folder.
pub const SOCKET: &str = "control.socket";

/// Longest line.
const LONGEST: u64 = 4 << 20;

/// What can be asked of a nucleus.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub enum Request {
    /// Call a deployment off.
    Cancel {
        /// Which.
        id: String,
    },
    /// How a component stands.
    Component {
        /// Which.
        name: String,
    },
    /// How all components stand.
    Components,
    /// Ask for a deployment: a local deployment request, as JSON.
    Deploy {
        /// The request.
        request: Value,
    },
    /// How a deployment stands.
    Deployment {
        /// Which.
        id: String,
        /// Whether to tell how it gets on until it is over.
        follow: bool,
    },
    /// The deployments that are remembered, the newest first.
    Deployments,
    /// The level from which on logs are kept.
    LogLevel {
        /// What it is to be from now on, until the next start.
        level: Option<String>,
    },
    /// What is measured of everything.
    Metrics,
    /// Halt a component that runs.
    Pause {
        /// Which.
        name: String,
    },
    /// What a deployment would do.
    Plan {
        /// The request, as of [`Request::Deploy`].
        request: Value,
    },
    /// Stop a component and start it again.
    Restart {
        /// Which.
        name: String,
    },
    /// Let a component that was halted go on.
    Resume {
        /// Which.
        name: String,
    },
    /// Stop a component.
    Stop {
        /// Which.
        name: String,
    },
}

/// A line in answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The last one: what was asked for.
    Done(Value),
    /// The last one: why it was not done.
    Failed(String),
    /// How it gets on.
    Progress(Value),
}
