//! What is installed on a core device, as its messages come to it. Pure.

use crate::clock::Time;
use gg_model::fleet_status::{ComponentStatus, DeploymentInformation, MessageType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most components of a device.
const MOST_COMPONENTS: usize = 2000;
/// Most deployments of which is kept what a device said.
const MOST_DEPLOYMENTS: usize = 100;

/// The state of a component that is not there any more, as nucleus lite tells of it.
const UNINSTALLED: &str = "UNINSTALLED";

/// What is installed, and what was said of deployments.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Inventory {
    /// Components by their names.
    pub components: BTreeMap<String, Installed>,
    /// What was said last of each target's deployments, by the ARN of its configuration.
    pub deployments: BTreeMap<String, ReportedDeployment>,
}

/// A component that is installed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Installed {
    /// What the device said.
    pub status: ComponentStatus,
    /// When it last came to another state.
    pub changed_at: Time,
    /// When the device last named it.
    pub reported_at: Time,
    /// Why it was told of when it came or changed its version.
    pub trigger: Option<String>,
}

/// What a device said of a deployment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReportedDeployment {
    /// What it said.
    pub information: DeploymentInformation,
    /// When.
    pub reported_at: Time,
}

/// What a message says of components and of a deployment.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) message_type: MessageType,
    pub(super) trigger: Option<String>,
    pub(super) components: Vec<ComponentStatus>,
    pub(super) deployment: Option<DeploymentInformation>,
}

impl Inventory {
    /// With what a message says.
    ///
    /// A partial one of a deployment names once more what the deployment took away, with nothing that
    /// brought it; so do those that the core software itself brings, which stay. The next complete one
    /// heals what is taken away wrongly.
    pub(super) fn apply(&mut self, said: Said, now: Time) {
        let before = match said.message_type {
            MessageType::Complete => std::mem::take(&mut self.components),
            MessageType::Partial => BTreeMap::new(),
        };
        let trigger = said.trigger.as_deref().unwrap_or_default();
        let is_partial = said.message_type == MessageType::Partial;
        let of_deployment =
            is_partial && matches!(trigger, "THING_DEPLOYMENT" | "THING_GROUP_DEPLOYMENT");
        for status in said.components {
            let is_left = of_deployment && status.fleet_config_arns.is_empty();
            let is_gone =
                status.status == UNINSTALLED || (is_left && !is_built_in(&status.component_name));
            let name = status.component_name.clone();
            if is_gone {
                self.components.remove(&name);
                continue;
            }
            let known = self.components.get(&name).or_else(|| before.get(&name));
            if known.is_none() && self.components.len() >= MOST_COMPONENTS {
                continue;
            }
            let same = known.filter(|known| known.status.version == status.version);
            let unchanged = same.filter(|known| known.status.status == status.status);
            let installed = Installed {
                changed_at: unchanged.map_or(now, |known| known.changed_at),
                trigger: match same {
                    Some(known) => known.trigger.clone(),
                    None => said.trigger.clone(),
                },
                reported_at: now,
                status,
            };
            self.components.insert(name, installed);
        }
        if let Some(information) = said.deployment {
            self.reported(information, now);
        }
    }

    fn reported(&mut self, information: DeploymentInformation, now: Time) {
        let arn = information.fleet_configuration_arn_for_status.clone();
        self.deployments.insert(arn, ReportedDeployment { information, reported_at: now });
        while self.deployments.len() > MOST_DEPLOYMENTS {
            let oldest = self.deployments.iter().min_by_key(|(_, reported)| reported.reported_at);
            let Some(oldest) = oldest.map(|(arn, _)| arn.clone()) else { return };
            self.deployments.remove(&oldest);
        }
    }
}

/// Whether the core software brings it: its components, and services of the Java nucleus such as
/// `TelemetryAgent`.
fn is_built_in(name: &str) -> bool {
    name.starts_with("aws.greengrass.") || !name.contains('.')
}
