//! What the shadow says of the device's own deployment, and is told (as the Java nucleus has it,
//! `ShadowDeploymentListener`).

use crate::deployment::outcome::Detail;
use crate::store::DeploymentState;
use gg_model::ThingName;
use serde::Deserialize;
use serde_json::{Value, json};

/// The shadow.
const NAME: &str = "AWSManagedGreengrassV2Deployment";

/// The desired status of a deployment that is called off.
const CANCELED: &str = "CANCELED";

/// Most characters of a cause: a shadow holds 8 KiB, the document among it.
const LONGEST_CAUSE: usize = 512;

/// The topics of the shadow.
#[derive(Clone, Debug)]
pub(super) struct Topics(String);

impl Topics {
    pub(super) fn of(thing: &ThingName) -> Self {
        Self(format!("$aws/things/{thing}/shadow/name/{NAME}"))
    }

    pub(super) fn get(&self) -> String {
        format!("{}/get", self.0)
    }

    pub(super) fn update(&self) -> String {
        format!("{}/update", self.0)
    }
}

/// The shadow, or the part of it that was changed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shadow {
    state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    desired: Option<Desired>,
    reported: Option<Reported>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Desired {
    desired_status: Option<String>,
    fleet_config: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reported {
    fleet_configuration_arn_for_status: String,
    status: String,
}

/// What is asked for.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::deployment::source) enum Wish {
    /// This document's deployment.
    Deploy {
        /// The ARN of its revision.
        arn: String,
        /// The document.
        document: String,
    },
    /// That of this ARN not any more.
    CallOff(String),
}

impl Shadow {
    /// What is asked for, if that has not been done.
    pub(super) fn wish(self) -> Option<Wish> {
        let State { desired, reported } = self.state;
        let Desired { desired_status, fleet_config } = desired?;
        let document = fleet_config?;
        let parsed: Value = serde_json::from_str(&document).unwrap_or_default();
        let arn = parsed["configurationArn"].as_str().unwrap_or_default().to_owned();
        let is_over = |reported: &Reported| {
            reported.fleet_configuration_arn_for_status == arn
                && !arn.is_empty()
                && reported.status != "IN_PROGRESS"
        };
        if reported.as_ref().is_some_and(is_over) {
            return None;
        }
        Some(match desired_status.as_deref() {
            Some(CANCELED) => Wish::CallOff(arn),
            _ => Wish::Deploy { arn, document },
        })
    }
}

/// What the shadow is told of a deployment.
pub(super) fn status(state: DeploymentState) -> Option<&'static str> {
    use DeploymentState as S;
    match state {
        S::Activating | S::InProgress | S::RollingBack => Some("IN_PROGRESS"),
        S::Canceled => Some(CANCELED),
        S::Failed => Some("FAILED"),
        S::Rejected => Some("REJECTED"),
        S::Succeeded => Some("SUCCEEDED"),
        S::Queued => None,
    }
}

/// The same as a message.
pub(super) fn update(arn: &str, status: &str, detail: &Detail) -> Value {
    let cause = detail.told(LONGEST_CAUSE);
    json!({ "state": { "reported": {
        "fleetConfigurationArnForStatus": arn, "status": status,
        "ggcVersion": env!("CARGO_PKG_VERSION"),
        "statusDetails": { "detailedStatus": detail.detailed_status, "failureCause": cause,
            "errorStack": detail.error_stack, "errorTypes": detail.error_types },
    } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(state: Value) -> Option<Wish> {
        serde_json::from_value::<Shadow>(json!({ "state": state, "version": 7 })).unwrap().wish()
    }

    #[test]
    fn a_shadow_asks_for_what_has_not_been_done() {
        let document = r#"{"deploymentId":"1","configurationArn":"a:thing/Core:1"}"#;
        let arn = "a:thing/Core:1".to_owned();
        let desired = json!({ "desiredStatus": "SUCCEEDED", "fleetConfig": document });
        let deploy = || Some(Wish::Deploy { arn: arn.clone(), document: document.to_owned() });
        assert_eq!(wish(json!({ "desired": desired })), deploy());
        let reported = |status: &str, arn: &str| {
            json!({ "desired": desired, "reported":
                { "fleetConfigurationArnForStatus": arn, "status": status } })
        };
        assert_eq!(wish(reported("IN_PROGRESS", &arn)), deploy());
        assert_eq!(wish(reported("SUCCEEDED", "a:thing/Core:0")), deploy());
        assert_eq!(wish(reported("SUCCEEDED", &arn)), None);
        let canceled = json!({ "desiredStatus": "CANCELED", "fleetConfig": document });
        assert_eq!(wish(json!({ "desired": canceled })), Some(Wish::CallOff(arn.clone())));
        // What only tells of what the device itself has said asks for nothing.
        assert_eq!(wish(json!({ "reported": { "status": "SUCCEEDED" } })), None);
        assert_eq!(wish(json!({ "desired": null })), None);
        for hostile in
            ["", "[]", "{}", r#"{"state":[1]}"#, r#"{"state":{"desired":{"fleetConfig":7}}}"#]
        {
            let read = serde_json::from_str::<Shadow>(hostile);
            assert!(read.map_or(true, |shadow| shadow.wish().is_none()), "{hostile}");
        }
    }
}
