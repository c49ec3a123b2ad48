//! Door for components outside the sandbox: life of one's own and of others in Greengrass IPC.

use super::{Act, Details, LifecycleControl, Notice, ReportedState};
use crate::capability::caller::Caller;
use crate::capability::door::{Follow, Served, about};
use futures_util::stream::unfold;
use gg_ipc::Document;
use gg_ipc::shapes::{
    ComponentDetails, ComponentUpdatePolicyEvents, DeferComponentUpdateRequest,
    DeferComponentUpdateResponse, GetComponentDetailsRequest, GetComponentDetailsResponse,
    LastExit, LifecycleState, ListComponentsResponse, PauseComponentRequest,
    PauseComponentResponse, PostComponentUpdateEvent, PreComponentUpdateEvent,
    ReportedLifecycleState, RequestStatus, RestartComponentRequest, RestartComponentResponse,
    ResumeComponentRequest, ResumeComponentResponse, StopComponentRequest, StopComponentResponse,
    SubscribeToComponentUpdatesResponse, UpdateStateRequest, UpdateStateResponse,
};
use serde_json::Value;
use std::time::Duration;

/// UpdateState.
pub(crate) fn update_state(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: UpdateStateRequest,
) -> Served<UpdateStateResponse> {
    let state = match request.state {
        ReportedLifecycleState::Errored => ReportedState::Errored,
        ReportedLifecycleState::Running => ReportedState::Running,
    };
    lifecycle.update_state(caller, state)?;
    Ok(UpdateStateResponse {})
}

/// ListComponents.
pub(crate) async fn list(
    lifecycle: &LifecycleControl,
    caller: &Caller,
) -> Served<ListComponentsResponse> {
    let components = lifecycle.list(caller).await?;
    let short = |details| ComponentDetails { last_exit: None, ..details_of(details) };
    Ok(ListComponentsResponse { components: components.into_iter().map(short).collect() })
}

/// GetComponentDetails.
pub(crate) async fn details(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: GetComponentDetailsRequest,
) -> Served<GetComponentDetailsResponse> {
    let name = request.component_name;
    let details = lifecycle.details(caller, &name).await;
    let details = details.map_err(|error| about("Component", &name, error))?;
    Ok(GetComponentDetailsResponse { component_details: details_of(details) })
}

/// RestartComponent.
pub(crate) async fn restart(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: RestartComponentRequest,
) -> Served<RestartComponentResponse> {
    let restart = Act::Restart { wait: request.wait.unwrap_or_default() };
    act(lifecycle, caller, restart, &request.component_name).await?;
    Ok(RestartComponentResponse { restart_status: RequestStatus::Succeeded, message: None })
}

/// StopComponent.
pub(crate) async fn stop(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: StopComponentRequest,
) -> Served<StopComponentResponse> {
    let stop = Act::Stop { wait: request.wait.unwrap_or_default() };
    act(lifecycle, caller, stop, &request.component_name).await?;
    Ok(StopComponentResponse { stop_status: RequestStatus::Succeeded, message: None })
}

/// PauseComponent.
pub(crate) async fn pause(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: PauseComponentRequest,
) -> Served<PauseComponentResponse> {
    act(lifecycle, caller, Act::Pause, &request.component_name).await?;
    Ok(PauseComponentResponse {})
}

/// ResumeComponent.
pub(crate) async fn resume(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: ResumeComponentRequest,
) -> Served<ResumeComponentResponse> {
    act(lifecycle, caller, Act::Resume, &request.component_name).await?;
    Ok(ResumeComponentResponse {})
}

/// SubscribeToComponentUpdates.
pub(crate) fn follow_updates(
    lifecycle: &LifecycleControl,
    caller: &Caller,
) -> Served<(SubscribeToComponentUpdatesResponse, Follow<ComponentUpdatePolicyEvents>)> {
    let notices = lifecycle.updates().listen(caller)?;
    let events = unfold(notices, async |mut notices| {
        let event = match notices.next().await? {
            Notice::After { deployment } => {
                ComponentUpdatePolicyEvents::PostUpdateEvent(PostComponentUpdateEvent {
                    deployment_id: deployment,
                })
            }
            Notice::Before { deployment, restarting } => {
                ComponentUpdatePolicyEvents::PreUpdateEvent(PreComponentUpdateEvent {
                    deployment_id: deployment,
                    is_ggc_restarting: restarting,
                })
            }
        };
        Some((event, notices))
    });
    Ok((SubscribeToComponentUpdatesResponse {}, Box::pin(events)))
}

/// DeferComponentUpdate.
pub(crate) fn defer(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    request: DeferComponentUpdateRequest,
) -> Served<DeferComponentUpdateResponse> {
    let by = request.recheck_after_ms.map(Duration::from_millis);
    lifecycle.updates().defer(caller, &request.deployment_id, by)?;
    Ok(DeferComponentUpdateResponse {})
}

async fn act(
    lifecycle: &LifecycleControl,
    caller: &Caller,
    act: Act,
    component: &str,
) -> Served<()> {
    lifecycle
        .act(caller, act, component)
        .await
        .map_err(|error| about("Component", component, error))
}

fn details_of(details: Details) -> ComponentDetails {
    use super::LifecycleState as State;
    ComponentDetails {
        component_name: details.name.to_string(),
        version: Some(details.version.to_string()),
        state: match details.state {
            State::Broken => LifecycleState::Broken,
            State::Errored => LifecycleState::Errored,
            State::Finished => LifecycleState::Finished,
            State::Installed => LifecycleState::Installed,
            State::New => LifecycleState::New,
            State::Running => LifecycleState::Running,
            State::Starting => LifecycleState::Starting,
            State::Stopping => LifecycleState::Stopping,
        },
        configuration: match details.configuration {
            Value::Object(members) => Some(Document(members)),
            _ => None,
        },
        paused: Some(details.paused),
        last_exit: details
            .last_exit
            .map(|exit| LastExit { code: exit.code.map(i64::from), reason: exit.reason }),
    }
}
