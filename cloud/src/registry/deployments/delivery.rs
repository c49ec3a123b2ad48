//! The shadow in which a thing has its own deployment before it, and says what becomes of it
//! (`ShadowDeploymentListener` of the Java nucleus).

use super::{Deployment, find, revisions};
use crate::clock::Time;
use crate::registry::jobs::{self, Change, Status, Target};
use crate::registry::{Kind, Refusal, shadows};
use crate::state::Transaction;
use gg_model::ThingName;
use gg_model::shadow::{ShadowId, UpdateRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of that shadow.
pub const SHADOW: &str = "AWSManagedGreengrassV2Deployment";

/// What a device says of its deployment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    fleet_configuration_arn_for_status: String,
    status: String,
    #[serde(default)]
    status_details: Details,
}

/// The same, in more words.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    detailed_status: String,
    failure_cause: String,
    error_stack: Vec<String>,
    error_types: Vec<String>,
}

/// Put a document before a thing. Both keys are there each time, since the device reads only what was
/// sent last.
pub(super) fn say(
    tx: &mut dyn Transaction,
    thing: &str,
    document: &str,
    desired: &str,
    now: Time,
) -> Result<(), Refusal> {
    let state = json!({ "desired": { "desiredStatus": desired, "fleetConfig": document } });
    let request = json!({ "state": state }).to_string();
    let refused = |error: &dyn std::fmt::Display| {
        let message = format!("the deployment cannot be put before {thing}: {error}");
        Refusal::invalid(message).about("field", "components")
    };
    let request =
        UpdateRequest::parse(request.as_bytes()).map_err(|rejected| refused(&rejected.refusal))?;
    let thing: ThingName = thing.parse().map_err(|error| refused(&error))?;
    let name = SHADOW.parse().map_err(|error| refused(&error))?;
    let id = ShadowId { thing: thing.clone(), name: Some(name) };
    shadows::update(tx, &id, &request, now)?;
    Ok(())
}

/// Take what a thing reports in that shadow. What is of no deployment, or of an earlier one, is ignored.
///
/// # Errors
/// The state fails.
pub fn heard(
    tx: &mut dyn Transaction,
    thing: &str,
    reported: &Value,
    now: Time,
) -> Result<(), Refusal> {
    let Ok(report) = Report::deserialize(reported) else { return Ok(()) };
    let latest = revisions(tx, &Target::Thing(thing.to_owned()))?.latest;
    let Some(Deployment { job_id: job, revision, .. }) =
        latest.map(|id| find(tx, &id)).transpose()?
    else {
        return Ok(());
    };
    let of = report.fleet_configuration_arn_for_status.rsplit(':').next();
    let status = Status::parse(&report.status);
    if of != Some(revision.to_string().as_str()) || status.is_none() {
        return Ok(());
    }
    let before = match jobs::execution(tx, &job, thing) {
        Err(refusal) if refusal.kind == Kind::NotFound => return Ok(()),
        before => before?,
    };
    let details = Some(report.status_details.texts());
    let change = Change { status, details, ..Change::default() };
    if status == Some(before.status) && change.details.as_ref() == Some(&before.details) {
        return Ok(());
    }
    match jobs::update(tx, thing, &job, &change, now) {
        Err(refusal) if refusal.kind != Kind::Internal => {
            tracing::debug!(thing, %refusal, "what was said of a deployment is ignored");
            Ok(())
        }
        done => done.map(drop),
    }
}

impl Details {
    /// As jobs have them.
    fn texts(self) -> BTreeMap<String, String> {
        let list = |list: Vec<String>| match list.is_empty() {
            true => String::new(),
            false => json!(list).to_string(),
        };
        let all = [
            ("detailed-deployment-status", self.detailed_status),
            ("deployment-failure-cause", self.failure_cause),
            ("deployment-error-stack", list(self.error_stack)),
            ("deployment-error-types", list(self.error_types)),
        ];
        let said = all.into_iter().filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| (name.to_owned(), text)).collect()
    }
}
