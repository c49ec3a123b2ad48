//! Door for components outside the sandbox: local deployments in Greengrass IPC.

use super::{Event, LocalDeployments, Planned};
use crate::capability::caller::Caller;
use crate::capability::door::{Follow, Served, about};
use crate::clock::{Clock, utc};
use crate::error::Error;
use crate::random;
use crate::store::{DeploymentRow, DeploymentState};
use futures_util::stream::unfold;
use gg_ipc::shapes::{
    CancelLocalDeploymentRequest, CancelLocalDeploymentResponse, ComponentConfigurationUpdate,
    CreateLocalDeploymentRequest, CreateLocalDeploymentResponse, DeploymentStatus,
    DeploymentStatusDetails, DetailedDeploymentStatus, GetLocalDeploymentStatusRequest,
    GetLocalDeploymentStatusResponse, ListLocalDeploymentsResponse, LocalDeployment,
    LocalDeploymentProgress, LocalDeploymentStatusEvents, PlanLocalDeploymentRequest,
    PlanLocalDeploymentResponse, PlannedStep, RunWithInfo, SubscribeToLocalDeploymentStatusRequest,
    SubscribeToLocalDeploymentStatusResponse,
};
use gg_ipc::{ErrorCode, OperationError};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// CreateLocalDeployment.
pub(crate) async fn create(
    deployments: &LocalDeployments,
    clock: &Clock,
    caller: &Caller,
    request: CreateLocalDeploymentRequest,
) -> Served<CreateLocalDeploymentResponse> {
    let document = checked(request, clock)?;
    let deployment_id = deployments.create(caller, document).await?;
    Ok(CreateLocalDeploymentResponse { deployment_id })
}

/// PlanLocalDeployment.
pub(crate) async fn plan(
    deployments: &LocalDeployments,
    clock: &Clock,
    caller: &Caller,
    request: PlanLocalDeploymentRequest,
) -> Served<PlanLocalDeploymentResponse> {
    let document = checked(request.deployment, clock)?;
    let steps = deployments.plan(caller, document).await?.into_iter();
    let step =
        |one: Planned| PlannedStep { component_name: one.component.to_string(), step: one.step };
    Ok(PlanLocalDeploymentResponse { steps: steps.map(step).collect() })
}

/// What a request asks for, under a new identity.
fn checked(request: CreateLocalDeploymentRequest, clock: &Clock) -> Served<Value> {
    let folders = [
        (&request.recipe_directory_path, ErrorCode::InvalidRecipeDirectoryPath),
        (&request.artifacts_directory_path, ErrorCode::InvalidArtifactsDirectoryPath),
    ];
    for (path, code) in folders {
        if let Some(path) = path.as_ref().filter(|path| !Path::new(path).is_absolute()) {
            let reason = format!("the folder {path:?} has no absolute path");
            return Err(OperationError::new(code, reason));
        }
    }
    if request.group_name.as_ref().is_some_and(|name| name.contains(':')) {
        return Err(Error::invalid("the name of a thing group has no colon").into());
    }
    Ok(document(request, &uuid()?, clock.unix_millis()))
}

/// CancelLocalDeployment.
pub(crate) async fn cancel(
    deployments: &LocalDeployments,
    caller: &Caller,
    request: CancelLocalDeploymentRequest,
) -> Served<CancelLocalDeploymentResponse> {
    let id = request.deployment_id;
    let cancelled = deployments
        .cancel(caller, &id)
        .await
        .map_err(|error| about("LocalDeployment", &id, error))?;
    let message = (!cancelled).then(|| {
        format!("deployment {id} is over or under way, and cannot be called off any more")
    });
    Ok(CancelLocalDeploymentResponse { message })
}

/// GetLocalDeploymentStatus.
pub(crate) async fn status(
    deployments: &LocalDeployments,
    caller: &Caller,
    request: GetLocalDeploymentStatusRequest,
) -> Served<GetLocalDeploymentStatusResponse> {
    let id = request.deployment_id;
    let row = deployments
        .status(caller, &id)
        .await
        .map_err(|error| about("LocalDeployment", &id, error))?;
    Ok(GetLocalDeploymentStatusResponse { deployment: told(&row) })
}

/// SubscribeToLocalDeploymentStatus.
pub(crate) async fn follow(
    deployments: &LocalDeployments,
    caller: &Caller,
    request: SubscribeToLocalDeploymentStatusRequest,
) -> Served<(SubscribeToLocalDeploymentStatusResponse, Follow<LocalDeploymentStatusEvents>)> {
    let id = request.deployment_id;
    let heard = deployments
        .follow(caller, &id)
        .await
        .map_err(|error| about("LocalDeployment", &id, error))?;
    let events = unfold(heard, async |mut heard| Some((event(heard.recv().await?), heard)));
    Ok((SubscribeToLocalDeploymentStatusResponse {}, Box::pin(events)))
}

fn event(event: Event) -> LocalDeploymentStatusEvents {
    match event {
        Event::Ended(row) => LocalDeploymentStatusEvents::Ended(told(&row)),
        Event::Progress(phases) => {
            let phases = phases.into_iter();
            LocalDeploymentStatusEvents::Progress(LocalDeploymentProgress {
                phases: phases.map(|(name, phase)| (name.to_string(), phase)).collect(),
            })
        }
    }
}

/// ListLocalDeployments.
pub(crate) async fn list(
    deployments: &LocalDeployments,
    caller: &Caller,
) -> Served<ListLocalDeploymentsResponse> {
    let rows = deployments.list(caller).await?;
    let local_deployments = rows.iter().map(told).collect();
    Ok(ListLocalDeploymentsResponse { local_deployments })
}

/// The request in the form of a document, which is kept.
fn document(request: CreateLocalDeploymentRequest, id: &str, now: i64) -> Value {
    let update = |update: ComponentConfigurationUpdate| {
        let mut members = Map::from_iter([("RESET".to_owned(), json!(update.reset))]);
        members.extend(update.merge.map(|merge| ("MERGE".to_owned(), Value::Object(merge.0))));
        Value::Object(members)
    };
    let run_with = |info: RunWithInfo| {
        let mut members = Map::new();
        members.extend(info.posix_user.map(|user| ("posixUser".to_owned(), user.into())));
        if let Some(limits) = info.system_resource_limits {
            let mut kept = Map::new();
            kept.extend(limits.memory.map(|memory| ("memory".to_owned(), memory.into())));
            kept.extend(limits.cpus.map(|cpus| ("cpus".to_owned(), cpus.into())));
            members.insert("systemResourceLimits".to_owned(), Value::Object(kept));
        }
        Value::Object(members)
    };
    let configuration = request.component_to_configuration.into_iter();
    let configuration: Map<_, _> = configuration.map(|(name, one)| (name, update(one))).collect();
    let run = request.component_to_run_with_info.into_iter();
    let run: Map<_, _> = run.map(|(name, one)| (name, run_with(one))).collect();
    let mut document = Map::from_iter([
        ("requestId".to_owned(), id.into()),
        ("requestTimestamp".to_owned(), now.into()),
        ("rootComponentVersionsToAdd".to_owned(), json!(request.root_component_versions_to_add)),
        ("rootComponentsToRemove".to_owned(), json!(request.root_components_to_remove)),
        ("configurationUpdate".to_owned(), Value::Object(configuration)),
        ("componentToRunWithInfo".to_owned(), Value::Object(run)),
    ]);
    let policy = request.component_update_policy.map(|policy| json!(policy));
    document.extend(policy.map(|policy| ("componentUpdatePolicy".to_owned(), policy)));
    let texts = [
        ("groupName", request.group_name),
        ("recipeDirectoryPath", request.recipe_directory_path),
        ("artifactsDirectoryPath", request.artifacts_directory_path),
        ("failureHandlingPolicy", request.failure_handling_policy.map(|one| one.to_string())),
    ];
    for (name, text) in texts {
        document.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    Value::Object(document)
}

fn told(row: &DeploymentRow) -> LocalDeployment {
    let status = match row.state {
        DeploymentState::Activating
        | DeploymentState::InProgress
        | DeploymentState::RollingBack => DeploymentStatus::InProgress,
        DeploymentState::Canceled => DeploymentStatus::Canceled,
        DeploymentState::Failed | DeploymentState::Rejected => DeploymentStatus::Failed,
        DeploymentState::Queued => DeploymentStatus::Queued,
        DeploymentState::Succeeded => DeploymentStatus::Succeeded,
    };
    LocalDeployment {
        deployment_id: row.id.clone(),
        status,
        created_on: Some(date(row.created)),
        target: Some(row.target.clone()),
        deployment_status_details: details(&row.detail),
    }
}

/// How it ended, from what is kept of that.
fn details(kept: &str) -> Option<DeploymentStatusDetails> {
    let kept: Value = serde_json::from_str(kept).ok()?;
    let word = kept["detailedStatus"].as_str()?;
    let status = DetailedDeploymentStatus::ALL.iter().find(|known| known.as_str() == word)?;
    let codes = |name: &str| {
        let codes = kept[name].as_array().into_iter().flatten();
        codes.filter_map(|code| code.as_str()).map(str::to_owned).collect()
    };
    Some(DeploymentStatusDetails {
        detailed_deployment_status: *status,
        deployment_error_stack: codes("errorStack"),
        deployment_error_types: codes("errorTypes"),
        deployment_failure_cause: kept["failureCause"].as_str().map(str::to_owned),
    })
}

/// `22-11-2026 20:18:01 UTC`.
fn date(millis: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(millis.try_into().unwrap_or_default());
    let text = utc(at).to_string();
    let (day, time) = text.split_once('T').unwrap_or_default();
    let mut parts: Vec<&str> = day.split('-').collect();
    parts.reverse();
    format!("{} {} UTC", parts.join("-"), time.split('.').next().unwrap_or_default())
}

/// A new identity, a random UUID.
fn uuid() -> Served<String> {
    let bytes = random::bytes::<16>()
        .map_err(|error| Error::internal(format!("no random bytes: {error}")))?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62;
    let digits = format!("{number:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_and_dates_have_the_form_that_clients_expect() {
        let (one, other) = (uuid().unwrap(), uuid().unwrap());
        assert!(super::super::is_uuid(&one) && one != other);
        assert_eq!(&one[14..15], "4", "{one}");
        assert!(["8", "9", "a", "b"].contains(&&one[19..20]), "{one}");
        assert_eq!(date(1_795_378_681_999), "22-11-2026 20:18:01 UTC");
    }

    #[test]
    fn a_request_is_what_the_command_line_would_have_asked() {
        let request: CreateLocalDeploymentRequest = serde_json::from_value(json!({
            "groupName": "line",
            "rootComponentVersionsToAdd": { "a": "1.0.0" },
            "rootComponentsToRemove": ["b"],
            "componentToConfiguration": { "a": { "MERGE": { "x": null }, "RESET": ["/y"] } },
            "componentToRunWithInfo": {
                "a": { "posixUser": "u", "systemResourceLimits": { "memory": 1000, "cpus": 0.5 } }
            },
            "recipeDirectoryPath": "/r",
            "failureHandlingPolicy": "ROLLBACK",
            "componentUpdatePolicy": { "action": "NOTIFY_COMPONENTS" },
        }))
        .unwrap();
        let document = document(request, "12345678-1234-4234-8234-123456789abc", 5);
        let parsed = gg_model::LocalDeploymentRequest::parse(&document.to_string()).unwrap();
        let name: gg_model::ComponentName = "a".parse().unwrap();
        assert_eq!(parsed.recipe_directory.as_deref(), Some("/r"));
        assert_eq!(
            parsed.run_with[&name].limits.value().and_then(|limits| limits.memory_kb),
            Some(1000)
        );
        assert_eq!(document["configurationUpdate"]["a"]["MERGE"], json!({ "x": null }));
        assert_eq!(
            parsed.component_update.action,
            gg_model::deployment::UpdateAction::NotifyComponents
        );
    }
}
