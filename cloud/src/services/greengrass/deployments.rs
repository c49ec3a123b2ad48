//! Operations on deployments.

use super::page::Page;
use crate::artifacts::Digest;
use crate::registry::deployments::{self, Content, Creation, Deployment, Filter, Pace};
use crate::registry::jobs::{Job, Status, Target};
use crate::registry::{Kind, Refusal, Registry, tags};
use crate::services::iot::jobs::config::{
    AbortConfig, AbortCriteria, RolloutConfig, TimeoutConfig,
};
use crate::state::Rows;
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const ALL: &str = "/greengrass/v2/deployments";
const ONE: &str = "/greengrass/v2/deployments/{deploymentId}";
const CANCEL: &str = "/greengrass/v2/deployments/{deploymentId}/cancel";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, ALL, "CreateDeployment", create),
    Operation::new(Method::GET, ALL, "ListDeployments", list),
    Operation::new(Method::GET, ONE, "GetDeployment", get),
    Operation::new(Method::DELETE, ONE, "DeleteDeployment", delete),
    Operation::new(Method::POST, CANCEL, "CancelDeployment", cancel),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    target_arn: String,
    parent_target_arn: Option<String>,
    #[serde(default)]
    tags: tags::Tags,
    client_token: Option<String>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobSettings {
    job_executions_rollout_config: Option<RolloutConfig>,
    abort_config: Option<AbortConfig>,
    timeout_config: Option<TimeoutConfig>,
}

impl JobSettings {
    fn read(value: Option<&Value>) -> Result<Pace, Refusal> {
        let Some(value) = value else { return Ok(Pace::default()) };
        let settings = Self::deserialize(value).map_err(|error| {
            let message = format!("iotJobConfiguration is not what is expected: {error}");
            Refusal::invalid(message).about("field", "iotJobConfiguration")
        })?;
        let abort = settings.abort_config.unwrap_or_default().criteria_list;
        Ok(Pace {
            minutes: settings.timeout_config.and_then(|set| set.in_progress_timeout_in_minutes),
            rollout: settings.job_executions_rollout_config.map(RolloutConfig::read),
            abort: abort.into_iter().map(AbortCriteria::read).collect::<Result<_, _>>()?,
        })
    }
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let input: Input = call.json()?;
    if input.parent_target_arn.is_some() {
        let message = "gg-cloud does not make deployments of a part of a group (parentTargetArn)";
        return Err(Refusal::new(Kind::NotServed, message).about("field", "parentTargetArn"));
    }
    let place = &registry.place;
    let creation = Creation {
        target: target(registry, &input.target_arn)?,
        pace: JobSettings::read(input.content.iot_job_configuration.as_ref())?,
        content: input.content,
        tags: input.tags,
        request: input.client_token.map(|token| (token, Digest::of(&call.body))),
    };
    let now = registry.clock.now();
    let made = registry.state.change(|tx| deployments::create(tx, place, creation, now))?;
    Ok(Answer::created(json!({
        "deploymentId": made.id,
        "iotJobId": made.job_id,
        "iotJobArn": place.arn("iot", &format!("job/{}", made.job_id)),
    })))
}

fn target(registry: &Registry, arn: &str) -> Result<Target, Refusal> {
    Target::parse(arn, &registry.place).map_err(|refusal| refusal.about("field", "targetArn"))
}

/// What is said of a deployment wherever it is listed.
fn summary(
    registry: &Registry,
    rows: &dyn Rows,
    deployment: &Deployment,
) -> Result<Value, Refusal> {
    let mut shape = json!({
        "targetArn": deployment.target.arn(&registry.place),
        "revisionId": deployment.revision.to_string(),
        "deploymentId": deployment.id,
        "creationTimestamp": deployment.created.fractional_seconds(),
        "deploymentStatus": deployment.status(rows)?.word(),
        "isLatestForTarget": deployment.is_latest(rows)?,
    });
    if let Some(name) = &deployment.content.deployment_name {
        shape["deploymentName"] = name.as_str().into();
    }
    Ok(shape)
}

fn get(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let deployment = deployments::find(rows.as_ref(), call.part("deploymentId"))?;
    let mut answer = summary(registry, rows.as_ref(), &deployment)?;
    let content = serde_json::to_value(&deployment.content);
    let content = content.map_err(|error| Refusal::internal(&error))?;
    if let (Value::Object(answer), Value::Object(content)) = (&mut answer, content) {
        answer.extend(content);
    }
    let place = &registry.place;
    answer["iotJobId"] = deployment.job_id.as_str().into();
    answer["iotJobArn"] = place.arn("iot", &format!("job/{}", deployment.job_id)).into();
    answer["tags"] = json!(tags::of(rows.as_ref(), &deployment.arn(place))?);
    // AWS does not say how many devices are how far; who reads its shapes does not see it.
    if let Some(Job { counts, .. }) = deployment.job(rows.as_ref())? {
        let counts = Status::ALL.iter().map(|one| (one.word().to_owned(), counts.of(*one).into()));
        answer["deviceCounts"] = Value::Object(counts.collect());
    }
    Ok(Answer::ok(answer))
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let page = Page::of(call)?;
    let latest = match call.query.get("historyFilter") {
        None | Some("LATEST_ONLY") => true,
        Some("ALL") => false,
        Some(_) => {
            let message = "historyFilter is neither ALL nor LATEST_ONLY";
            return Err(Refusal::invalid(message).about("field", "historyFilter"));
        }
    };
    if call.query.has("parentTargetArn") {
        return Ok(Answer::ok(json!({ "deployments": [] })));
    }
    let of_target = call.query.get("targetArn").map(|arn| target(registry, arn)).transpose()?;
    let filter = Filter { target: of_target, latest };
    let rows = registry.state.snapshot()?;
    let found = deployments::list(rows.as_ref(), &filter, page.after.as_deref(), page.size + 1)?;
    let shown = found.iter().take(page.size);
    let shown = shown.map(|one| summary(registry, rows.as_ref(), one));
    let mut answer = json!({ "deployments": shown.collect::<Result<Vec<_>, _>>()? });
    if let (Some(_), Some(last)) = (found.get(page.size), found.get(page.size - 1)) {
        answer["nextToken"] = Page::token(&last.id).into();
    }
    Ok(Answer::ok(answer))
}

fn cancel(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (place, id, now) = (&registry.place, call.part("deploymentId"), registry.clock.now());
    registry.state.change(|tx| deployments::cancel(tx, place, id, now))?;
    Ok(Answer::ok(json!({ "message": "The deployment was canceled." })))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (place, id, now) = (&registry.place, call.part("deploymentId"), registry.clock.now());
    registry.state.change(|tx| deployments::delete(tx, place, id, now))?;
    Ok(Answer::nothing())
}
