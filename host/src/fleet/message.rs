//! What the cloud is told of the device: its components and how its last deployment ended, in as many
//! messages as it takes (Greengrass developer guide, "Fleet status service").

use crate::capability::lifecycle::LifecycleState;
use crate::clock::Clock;
use crate::deployment::outcome::Detail;
use crate::store::{DeploymentRow, DeploymentState};
use gg_model::{ComponentName, ComponentVersion, DeploymentGroup, DeploymentRequest, ThingName};
use serde_json::{Value, json};
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
    fn to_json(&self) -> Value {
        let mut one = json!({
            "componentName": self.name, "version": self.version, "fleetConfigArns": self.arns,
            "isRoot": self.is_root, "status": self.state.to_string(),
        });
        let code = match self.state {
            LifecycleState::Errored | LifecycleState::Broken => "RUN_ERROR",
            _ => return one,
        };
        let reason: String =
            self.reason.iter().flat_map(|reason| reason.chars()).take(LONGEST_REASON).collect();
        one["componentStatusDetails"] = json!({ "statusCodes": [code], "statusReason": reason });
        one
    }
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
            let one = component.to_json();
            let length = one.to_string().len();
            if bytes + length > MOST_BYTES && !page.is_empty() {
                pages.push(take(&mut page));
                bytes = 0;
            }
            bytes += length;
            page.push(one);
        }
        pages.push(page);
        let total = pages.len();
        let each = (1..).zip(pages).map(|(number, components): (usize, _)| {
            let mut message = self.head();
            if total > 1 {
                message["chunkInfo"] = json!({ "chunkId": number, "totalChunks": total });
            }
            message["components"] = components.into();
            message.to_string()
        });
        each.collect()
    }

    fn head(&self) -> Value {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            other => other,
        };
        let mut head = json!({
            "ggcVersion": env!("CARGO_PKG_VERSION"), "platform": std::env::consts::OS,
            "architecture": architecture, "runtime": "gg-host", "thing": self.thing,
            "overallDeviceStatus": if self.is_healthy { "HEALTHY" } else { "UNHEALTHY" },
            "sequenceNumber": self.sequence, "timestamp": self.clock.unix_millis(),
            "messageType": if self.trigger.is_complete() { "COMPLETE" } else { "PARTIAL" },
            "trigger": self.trigger.word(),
        });
        if let Some(row) = self.deployment {
            head["deploymentInformation"] = deployment(row);
        }
        head
    }
}

fn deployment(row: &DeploymentRow) -> Value {
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
    let cause: String = detail.failure_cause.chars().take(LONGEST_REASON).collect();
    json!({
        "status": status, "deploymentId": row.id,
        "fleetConfigurationArnForStatus": arn.map(|arn| arn.to_string()).unwrap_or_default(),
        "statusDetails": { "detailedStatus": detail.detailed_status, "failureCause": cause,
            "errorStack": detail.error_stack, "errorTypes": [] },
        "unchangedRootComponents": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let read: Vec<Value> =
            messages.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert!(messages.len() > 1 && messages.iter().all(|text| text.len() <= 128 << 10));
        let names: usize =
            read.iter().map(|message| message["components"].as_array().unwrap().len()).sum();
        assert_eq!(names, 1000);
        for (number, message) in (1..).zip(&read) {
            let chunk = json!({ "chunkId": number, "totalChunks": messages.len() });
            assert_eq!(message["chunkInfo"], chunk);
            assert_eq!(
                (&message["sequenceNumber"], &message["messageType"]),
                (&json!(7), &json!("COMPLETE"))
            );
        }
        let none = Status { components: Vec::new(), ..status };
        let message: Value = serde_json::from_str(&none.messages()[0]).unwrap();
        assert_eq!((&message["components"], message.get("chunkInfo")), (&json!([]), None));
    }
}
