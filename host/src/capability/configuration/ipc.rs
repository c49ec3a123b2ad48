//! Door for components outside the sandbox: configuration in Greengrass IPC.

use super::{Configuration, Proposal, Verdict};
use crate::capability::caller::Caller;
use crate::capability::door::{Follow, Served};
use crate::error::{Error, ErrorKind};
use futures_util::stream::unfold;
use gg_ipc::shapes::{
    ConfigurationUpdateEvent, ConfigurationUpdateEvents, ConfigurationValidityStatus,
    GetConfigurationRequest, GetConfigurationResponse, SendConfigurationValidityReportRequest,
    SendConfigurationValidityReportResponse, SubscribeToConfigurationUpdateRequest,
    SubscribeToConfigurationUpdateResponse, SubscribeToValidateConfigurationUpdatesResponse,
    UpdateConfigurationRequest, UpdateConfigurationResponse, ValidateConfigurationUpdateEvent,
    ValidateConfigurationUpdateEvents,
};
use gg_ipc::{Document, ErrorCode, OperationError};
use serde_json::{Map, Value};

/// GetConfiguration.
pub(crate) fn read(
    configuration: &Configuration,
    caller: &Caller,
    request: GetConfigurationRequest,
) -> Served<GetConfigurationResponse> {
    let component = request.component_name.as_deref();
    let (path, value) = configuration.find(caller, component, &request.key_path)?;
    Ok(GetConfigurationResponse {
        component_name: Some(named(component, caller)),
        value: wrapped(path, value),
    })
}

/// The component as the caller named it.
fn named(component: Option<&str>, caller: &Caller) -> String {
    component.map_or_else(|| caller.name().to_string(), str::to_owned)
}

/// A value of its own is told with its key, since there must be an object.
fn wrapped(path: Vec<String>, value: Value) -> Document {
    Document(match (value, path.into_iter().next_back()) {
        (Value::Object(members), _) => members,
        (value, Some(key)) => Map::from_iter([(key, value)]),
        (_, None) => Map::new(),
    })
}

/// UpdateConfiguration.
pub(crate) async fn update(
    configuration: &Configuration,
    caller: &Caller,
    request: UpdateConfigurationRequest,
) -> Served<UpdateConfigurationResponse> {
    let value = Value::Object(request.value_to_merge.0);
    // The SDK for small devices says zero for now.
    let at = Some(request.timestamp.as_seconds()).filter(|seconds| *seconds != 0.0);
    let updated = configuration.update(caller, &request.key_path, &value, at).await;
    updated.map_err(|error: Error| match error.kind() {
        ErrorKind::Conflict => {
            OperationError::new(ErrorCode::FailedUpdateConditionCheck, error.message())
        }
        _ => error.into(),
    })?;
    Ok(UpdateConfigurationResponse {})
}

/// SubscribeToConfigurationUpdate.
pub(crate) fn watch(
    configuration: &Configuration,
    caller: &Caller,
    request: SubscribeToConfigurationUpdateRequest,
) -> Served<(SubscribeToConfigurationUpdateResponse, Follow<ConfigurationUpdateEvents>)> {
    let component = request.component_name.as_deref();
    let watcher = configuration.watch(caller, component, &request.key_path)?;
    let events = unfold((watcher, named(component, caller)), async |(mut watcher, name)| {
        let key_path = watcher.next().await?;
        let event = ConfigurationUpdateEvent { component_name: name.clone(), key_path };
        Some((ConfigurationUpdateEvents::ConfigurationUpdateEvent(event), (watcher, name)))
    });
    Ok((SubscribeToConfigurationUpdateResponse {}, Box::pin(events)))
}

/// SubscribeToValidateConfigurationUpdates.
pub(crate) fn validate(
    configuration: &Configuration,
    caller: &Caller,
) -> Served<(
    SubscribeToValidateConfigurationUpdatesResponse,
    Follow<ValidateConfigurationUpdateEvents>,
)> {
    let proposals = configuration.validation().listen(caller)?;
    let events = unfold(proposals, async |mut proposals| {
        let Proposal { deployment, configuration } = proposals.next().await?;
        let event = ValidateConfigurationUpdateEvent {
            configuration: wrapped(Vec::new(), configuration),
            deployment_id: deployment,
        };
        let event = ValidateConfigurationUpdateEvents::ValidateConfigurationUpdateEvent(event);
        Some((event, proposals))
    });
    Ok((SubscribeToValidateConfigurationUpdatesResponse {}, Box::pin(events)))
}

/// SendConfigurationValidityReport.
pub(crate) fn report(
    configuration: &Configuration,
    caller: &Caller,
    request: SendConfigurationValidityReportRequest,
) -> Served<SendConfigurationValidityReportResponse> {
    let report = request.configuration_validity_report;
    let verdict = match report.status {
        ConfigurationValidityStatus::Accepted => Verdict::Accepted,
        ConfigurationValidityStatus::Rejected => {
            Verdict::Rejected(report.message.unwrap_or_default())
        }
    };
    configuration.validation().report(caller, &report.deployment_id, verdict)?;
    Ok(SendConfigurationValidityReportResponse {})
}
