//! What the cloud is told of the device: its components and how its last deployment ended, in as many
//! messages as it takes (Greengrass developer guide, "Fleet status service").

use crate::capability::lifecycle::LifecycleState;
use crate::clock::Clock;
use crate::deployment::outcome::Detail;
use crate::store::{DeploymentRow, DeploymentState};
use gg_model::fleet_status::{
    ChunkInfo, ComponentStatus, ComponentStatusDetails, DeploymentInformation,
    DeploymentStatusDetails, DeviceStatus, MessageType, StatusMessage,
};
use gg_model::{ComponentName, ComponentVersion, DeploymentGroup, DeploymentRequest, ThingName};
use std::mem::take;

/// Most bytes of components in one message; the broker takes 128 KiB.
const MOST_BYTES: usize = 120_000;

/// Most characters of a reason.
const LONGEST_REASON: usize = 1024;

/// Why it is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trigger {
    /// The nucleus has started.
    Launch,
    /// Some time has gone by.
    Cadence,
    /// A component stands otherwise.
    Component,
    /// The link is back.
    Reconnect,
    /// A deployment has ended, which was for this.
    Deployment(Target),
}

/// What a deployment was for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Local,
    Thing,
    ThingGroup,
}

impl Trigger {
    /// Why, if a deployment has ended.
    pub(super) fn of(row: &DeploymentRow) -> Self {
        Self::Deployment(match DeploymentGroup::from(row.target.as_str()) {
            DeploymentGroup::ThingGroup(_) => Target::ThingGroup,
            DeploymentGroup::Thing(_) => Target::Thing,
            DeploymentGroup::Local | DeploymentGroup::Other(_) => Target::Local,
        })
    }

    /// Whether all components are told.
    pub(super) fn is_complete(self) -> bool {
        matches!(self, Self::Launch | Self::Cadence)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Launch => "NUCLEUS_LAUNCH",
            Self::Cadence => "CADENCE",
            Self::Component => "COMPONENT_STATUS_CHANGE",
            Self::Reconnect => "RECONNECT",
            Self::Deployment(Target::Local) => "LOCAL_DEPLOYMENT",
            Self::Deployment(Target::Thing) => "THING_DEPLOYMENT",
            Self::Deployment(Target::ThingGroup) => "THING_GROUP_DEPLOYMENT",
        }
    }
}

/// A component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Component {
    pub(super) name: ComponentName,
    pub(super) version: ComponentVersion,
    pub(super) state: LifecycleState,
    /// How it ended last, where it has failed.
    pub(super) reason: Option<String>,
    /// The deployments to things and thing groups that brought it.
    pub(super) arns: Vec<String>,
    /// Whether one of them names it.
    pub(super) is_root: bool,
}

impl Component {
    fn status(&self) -> ComponentStatus {
        let details = match self.state {
            LifecycleState::Errored | LifecycleState::Broken => ComponentStatusDetails {
                status_codes: vec!["RUN_ERROR".to_owned()],
                status_reason: short(self.reason.as_deref().unwrap_or_default()),
            },
            _ => ComponentStatusDetails::default(),
        };
        ComponentStatus {
            component_name: self.name.to_string(),
            version: self.version.to_string(),
            fleet_config_arns: self.arns.clone(),
            is_root: self.is_root,
            status: self.state.to_string(),
            component_status_details: details,
        }
    }
}

fn short(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}

/// What is told.
#[derive(Debug)]
pub(super) struct Status<'a> {
    pub(super) thing: &'a ThingName,
    pub(super) clock: &'a Clock,
    /// Higher than that of any told before.
    pub(super) sequence: i64,
    pub(super) trigger: Trigger,
    /// Whether no component is broken.
    pub(super) is_healthy: bool,
    pub(super) components: Vec<Component>,
    /// The deployment that has ended.
    pub(super) deployment: Option<&'a DeploymentRow>,
}

impl Status<'_> {
    /// As messages.
    pub(super) fn messages(&self) -> Vec<String> {
        let (mut pages, mut page, mut bytes) = (Vec::new(), Vec::new(), 0);
        for component in &self.components {
            let one = component.status();
            let length = json(&one).len();
            if bytes + length > MOST_BYTES && !page.is_empty() {
                pages.push(take(&mut page));
                bytes = 0;
            }
            bytes += length;
            page.push(one);
        }
        pages.push(page);
        let total_chunks = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let each = (1..).zip(pages).map(|(chunk_id, components)| {
            let chunk_info = (total_chunks > 1).then_some(ChunkInfo { chunk_id, total_chunks });
            json(&StatusMessage { chunk_info, components, ..self.head() })
        });
        each.collect()
    }

    /// A message without components.
    fn head(&self) -> StatusMessage {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            other => other,
        };
        StatusMessage {
            ggc_version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            architecture: architecture.to_owned(),
            runtime: Some("gg-host".to_owned()),
            thing: self.thing.to_string(),
            overall_device_status: match self.is_healthy {
                true => DeviceStatus::Healthy,
                false => DeviceStatus::Unhealthy,
            },
            sequence_number: self.sequence.try_into().unwrap_or_default(),
            timestamp: self.clock.unix_millis().try_into().unwrap_or_default(),
            message_type: match self.trigger.is_complete() {
                true => MessageType::Complete,
                false => MessageType::Partial,
            },
            trigger: Some(self.trigger.word().to_owned()),
            chunk_info: None,
            components: Vec::new(),
            deployment_information: self.deployment.map(deployment),
        }
    }
}

/// Nothing in a message cannot be written.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn deployment(row: &DeploymentRow) -> DeploymentInformation {
    let status = match row.state {
        DeploymentState::Succeeded => "SUCCEEDED",
        DeploymentState::Rejected => "REJECTED",
        DeploymentState::Canceled => "CANCELED",
        _ => "FAILED",
    };
    let arn = match DeploymentRequest::parse(&row.document) {
        Ok(DeploymentRequest::Document(document)) => document.configuration_arn,
        _ => None,
    };
    let detail = Detail::from_json(&row.detail);
    let detailed = serde_json::to_value(detail.detailed_status).unwrap_or_default();
    DeploymentInformation {
        status: status.to_owned(),
        fleet_configuration_arn_for_status: arn.map(|arn| arn.to_string()).unwrap_or_default(),
        deployment_id: row.id.clone(),
        status_details: DeploymentStatusDetails {
            detailed_status: detailed.as_str().unwrap_or_default().to_owned(),
            failure_cause: detail.told(LONGEST_REASON),
            error_stack: detail.error_stack,
            error_types: detail.error_types,
        },
        unchanged_root_components: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn component(number: usize, state: LifecycleState) -> Component {
        Component {
            name: format!("com.example.Component{number}").parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            state,
            reason: Some("it said so\n".repeat(500)),
            arns: vec![
                "arn:aws:greengrass:eu-west-1:1:configuration:thinggroup/fleet:1".to_owned(),
            ],
            is_root: true,
        }
    }

    #[test]
    fn many_components_are_told_in_messages_that_a_broker_takes() {
        let thing = "Core".parse().unwrap();
        let clock = Clock::system();
        let components = (0..1000).map(|number| component(number, LifecycleState::Broken));
        let status = Status {
            thing: &thing,
            clock: &clock,
            sequence: 7,
            trigger: Trigger::Launch,
            is_healthy: false,
            components: components.collect(),
            deployment: None,
        };
        let messages = status.messages();
        for message in &messages {
            StatusMessage::parse(message.as_bytes()).unwrap();
        }
        let read: Vec<Value> =
            messages.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert!(messages.len() > 1 && messages.iter().all(|text| text.len() <= 128 << 10));
        let names: usize =
            read.iter().map(|message| message["components"].as_array().unwrap().len()).sum();
        assert_eq!(names, 1000);
        for (number, message) in (1..).zip(&read) {
            let chunk = serde_json::json!({ "chunkId": number, "totalChunks": messages.len() });
            assert_eq!(message["chunkInfo"], chunk);
            assert_eq!(
                (&message["sequenceNumber"], &message["messageType"]),
                (&Value::from(7), &Value::from("COMPLETE"))
            );
        }
        let none = Status { components: Vec::new(), ..status };
        let message: Value = serde_json::from_str(&none.messages()[0]).unwrap();
        assert_eq!(
            (&message["components"], message.get("chunkInfo")),
            (&Value::Array(Vec::new()), None)
        );
    }
}
