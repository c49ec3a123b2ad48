//! What has become of deployments on a device (API reference, `ListEffectiveDeployments`): what it said
//! of their jobs, and in its messages of status where those know more.

use super::{Deployment, NAMESPACE, OF_JOBS, key};
use crate::registry::jobs::{self, Execution, ExecutionFilter, Status, Target};
use crate::registry::{Kind, Place, Refusal, cores};
use crate::state::Rows;
use gg_model::fleet_status::DeploymentStatusDetails;

/// Most jobs of a device that are looked at.
const MOST: usize = 10_000;

/// The latest deployment of a target, on a device.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The deployment.
    pub deployment: Deployment,
    /// Where it stands on the device.
    pub status: Status,
    /// When that was last heard of, in seconds.
    pub modified: u64,
    /// In more words.
    pub details: DeploymentStatusDetails,
}

impl Effective {
    /// Why it stands so, for people.
    pub fn reason(&self) -> String {
        let DeploymentStatusDetails { detailed_status, failure_cause, .. } = &self.details;
        match (detailed_status.as_str(), failure_cause.as_str()) {
            (status, "") => status.to_owned(),
            ("", cause) => cause.to_owned(),
            (status, cause) => format!("{status}: {cause}"),
        }
    }
}

/// The latest deployment of each target that a device is, or was when it was made; the newest first.
///
/// # Errors
/// There is no such core device.
pub fn effective(rows: &dyn Rows, place: &Place, thing: &str) -> Result<Vec<Effective>, Refusal> {
    let reports = cores::inventory(rows, thing)?.deployments;
    let namespace = Some(NAMESPACE.to_owned());
    let filter = ExecutionFilter { namespace, ..ExecutionFilter::default() };
    let mut targets: Vec<Target> = Vec::new();
    let mut found = Vec::new();
    for (job, execution) in jobs::of_thing(rows, thing, &filter, None, MOST)? {
        let Some(id) = OF_JOBS.get(rows, &key(&job))? else { continue };
        let deployment = match super::find(rows, &id) {
            Err(refusal) if refusal.kind == Kind::NotFound => continue,
            found => found?,
        };
        if execution.status == Status::Removed || targets.contains(&deployment.target) {
            continue;
        }
        targets.push(deployment.target.clone());
        let mut effective = of(deployment, execution);
        if let Some(report) = reports.get(&effective.deployment.configuration_arn(place)) {
            effective.hear(&report.information, report.reported_at.seconds());
        }
        found.push(effective);
    }
    Ok(found)
}

fn of(deployment: Deployment, execution: Execution) -> Effective {
    let text = |name: &str| execution.details.get(name).cloned().unwrap_or_default();
    let list = |name: &str| serde_json::from_str(&text(name)).unwrap_or_default();
    Effective {
        deployment,
        status: execution.status,
        modified: execution.updated_at,
        details: DeploymentStatusDetails {
            detailed_status: text("detailed-deployment-status"),
            failure_cause: text("deployment-failure-cause"),
            error_stack: list("deployment-error-stack"),
            error_types: list("deployment-error-types"),
        },
    }
}

impl Effective {
    /// With what a message of status said at a time.
    fn hear(&mut self, said: &gg_model::fleet_status::DeploymentInformation, at: u64) {
        let newer = self.status.is_open() && at >= self.modified;
        if let (Some(status), true) = (Status::parse(&said.status), newer) {
            (self.status, self.modified) = (status, at);
        }
        if self.details == DeploymentStatusDetails::default() {
            self.details = said.status_details.clone();
        }
    }
}
