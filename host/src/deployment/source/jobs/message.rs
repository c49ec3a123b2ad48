//! What the cloud says of a device's jobs, and is told (AWS IoT developer guide, "Jobs MQTT API";
//! the topics with a namespace are those that the Java nucleus uses).

use crate::deployment::outcome::Detail;
use crate::store::DeploymentState;
use gg_model::ThingName;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The jobs that are deployments.
const NAMESPACE: &str = "namespace-aws-gg-deployment";

/// Most characters of a cause: what AWS lets through as a detail of a job's status.
const LONGEST_DETAIL: usize = 1024;

/// The topics of a device's jobs.
#[derive(Clone, Debug)]
pub(super) struct Topics(String);

impl Topics {
    pub(super) fn of(thing: &ThingName) -> Self {
        Self(format!("$aws/things/{thing}/jobs"))
    }

    /// Where the cloud says which jobs there are.
    pub(super) fn notify(&self) -> String {
        format!("{}/notify-{NAMESPACE}", self.0)
    }

    /// Where the next one is asked for.
    pub(super) fn get_next(&self) -> String {
        format!("{}/$next/{NAMESPACE}/get", self.0)
    }

    /// Where it is told how a job gets on.
    pub(super) fn update(&self, job: &str) -> String {
        format!("{}/{job}/{NAMESPACE}/update", self.0)
    }
}

/// Which jobs are not over.
#[derive(Debug, Deserialize, PartialEq)]
pub(in crate::deployment::source) struct Notice {
    jobs: BTreeMap<String, Vec<Summary>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Summary {
    job_id: String,
}

impl Notice {
    /// Whether one waits for its turn.
    pub(super) fn has_queued(&self) -> bool {
        self.jobs.get("QUEUED").is_some_and(|jobs| !jobs.is_empty())
    }

    /// Whether it names a job.
    pub(super) fn names(&self, job: &str) -> bool {
        self.jobs.values().flatten().any(|summary| summary.job_id == job)
    }
}

/// The answer to who asks for the next job.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    pub(super) execution: Option<Execution>,
}

/// A job as it is for this device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::deployment::source) struct Execution {
    pub(super) job_id: String,
    #[serde(default)]
    pub(super) execution_number: u64,
    #[serde(default)]
    pub(super) job_document: Value,
}

/// What a job is told of a deployment: nothing while it waits, and nothing when it was called off,
/// which the job knows best.
pub(super) fn status(state: DeploymentState) -> Option<&'static str> {
    use DeploymentState as S;
    match state {
        S::Activating | S::InProgress | S::RollingBack => Some("IN_PROGRESS"),
        S::Succeeded => Some("SUCCEEDED"),
        S::Failed => Some("FAILED"),
        S::Rejected => Some("REJECTED"),
        S::Canceled | S::Queued => None,
    }
}

/// The same as a message.
pub(super) fn update(status: &str, detail: &Detail) -> Value {
    let word = serde_json::to_value(detail.detailed_status).unwrap_or_default();
    let mut details = Map::new();
    if let Value::String(_) = word {
        details.insert("detailed-deployment-status".to_owned(), word);
    }
    if !detail.failure_cause.is_empty() {
        let cause = detail.told(LONGEST_DETAIL);
        details.insert("deployment-failure-cause".to_owned(), cause.into());
    }
    if !detail.error_stack.is_empty() {
        // Texts are all that details may be.
        let text = |codes: &[String]| Value::from(json!(codes).to_string());
        details.insert("deployment-error-stack".to_owned(), text(&detail.error_stack));
        details.insert("deployment-error-types".to_owned(), text(&detail.error_types));
    }
    json!({"status": status, "statusDetails": details})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::outcome::{DetailedStatus, Problem};

    #[test]
    fn what_is_said_of_jobs_is_read() {
        let notice = |text: &str| serde_json::from_str::<Notice>(text).unwrap();
        let some = notice(
            r#"{"timestamp":1,"jobs":{"QUEUED":[{"jobId":"b","queuedAt":1}],"IN_PROGRESS":[{"jobId":"a"}]}}"#,
        );
        assert!(some.has_queued() && some.names("a") && some.names("b") && !some.names("c"));
        let none = notice(r#"{"timestamp":1,"jobs":{}}"#);
        assert!(!none.has_queued() && !none.names("a"));
        let next: Next = serde_json::from_str(r#"{"timestamp":1}"#).unwrap();
        assert!(next.execution.is_none());
        let next = r#"{"execution":{"jobId":"a","executionNumber":2,"jobDocument":{"x":1}}}"#;
        let next: Next = serde_json::from_str(next).unwrap();
        let Execution { job_id, execution_number, job_document } = next.execution.unwrap();
        assert_eq!((job_id.as_str(), execution_number), ("a", 2));
        assert_eq!(job_document, json!({"x": 1}));
        for hostile in ["", "[]", "{}", "{\"jobs\":[]}", "{\"jobs\":{\"QUEUED\":{}}}", "\u{0}"] {
            assert!(serde_json::from_str::<Notice>(hostile).is_err(), "{hostile}");
        }
    }

    #[test]
    fn a_job_hears_how_its_deployment_ended() {
        let problem = Problem::new("COMPONENT_BROKEN", "x".repeat(5000));
        let detail = Detail::failed(DetailedStatus::FailedRollbackComplete, &problem);
        let told = update("FAILED", &detail);
        let details = &told["statusDetails"];
        assert_eq!(details["detailed-deployment-status"], "FAILED_ROLLBACK_COMPLETE");
        assert_eq!(details["deployment-failure-cause"].as_str().unwrap().len(), LONGEST_DETAIL);
        let stack = details["deployment-error-stack"].as_str().unwrap();
        assert_eq!(stack, r#"["DEPLOYMENT_FAILURE","COMPONENT_UPDATE_ERROR","COMPONENT_BROKEN"]"#);
        assert_eq!(details["deployment-error-types"], r#"["COMPONENT_ERROR"]"#);
        assert_eq!(update("IN_PROGRESS", &Detail::default())["statusDetails"], json!({}));
    }
}
