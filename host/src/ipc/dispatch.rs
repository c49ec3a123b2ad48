//! Who serves which operation.

use super::answer::{Answer, at_once, follow, follow_in_time, in_time, often};
use super::call::Session;
use crate::capability::caller::Caller;
use crate::capability::door::Served;
use crate::capability::{
    Capabilities, configuration, debug, deployment, host, inference, lifecycle, metric, mqtt,
    pubsub, secrets, shadow,
};
use crate::runtime::token::Tokens;
use gg_ipc::operation::call;
use gg_ipc::shapes::{ValidateAuthorizationTokenRequest, ValidateAuthorizationTokenResponse};
use gg_ipc::{ErrorCode, Operation, OperationError, Requested, StreamMessage};
use std::sync::Arc;

/// The one component that may ask whose token it is that it was shown.
const STREAM_MANAGER: &str = "aws.greengrass.StreamManager";

/// Answer a request.
pub(super) async fn answer(session: Arc<Session>, request: StreamMessage) -> Answer {
    match serve(&session, &request).await {
        Ok(answer) => answer,
        Err(error) => Answer::Last(Answer::error(request.stream, &error)),
    }
}

async fn serve(session: &Session, request: &StreamMessage) -> Served<Answer> {
    use Operation as O;
    let operation = match &request.operation {
        Some(Requested::Known(operation)) => *operation,
        Some(Requested::Unknown(name)) => return Err(not_supported(name)),
        None => return Err(not_supported("(none)")),
    };
    let Capabilities {
        configuration,
        debug,
        deployment,
        host,
        inference,
        // Greengrass has no values by key.
        keyvalue: _,
        lifecycle,
        metric,
        mqtt,
        pubsub,
        secrets,
        shadows,
    } = &session.server.capabilities;
    let caller = &session.caller;
    match operation {
        O::PublishToTopic => {
            let publish = |request| pubsub::ipc::publish(&session.publisher, request);
            often::<call::PublishToTopic, _>(request, publish).await
        }
        O::SubscribeToTopic => follow::<call::SubscribeToTopic>(request, |request| {
            pubsub::ipc::subscribe(pubsub, caller, request)
        }),

        O::PublishToIoTCore => {
            let publish = |request| mqtt::ipc::publish(mqtt, caller, request);
            often::<call::PublishToIoTCore, _>(request, publish).await
        }
        O::SubscribeToIoTCore => {
            let subscribe = |request| mqtt::ipc::subscribe(mqtt, caller, request);
            follow_in_time::<call::SubscribeToIoTCore, _>(request, subscribe).await
        }
        O::SubscribeToIoTCoreConnectionStatus => {
            follow::<call::SubscribeToIoTCoreConnectionStatus>(request, |_| {
                mqtt::ipc::status(mqtt, caller)
            })
        }

        O::GetConfiguration => at_once::<call::GetConfiguration>(request, |request| {
            configuration::ipc::read(configuration, caller, request)
        }),
        O::UpdateConfiguration => {
            let update = |request| configuration::ipc::update(configuration, caller, request);
            in_time::<call::UpdateConfiguration, _>(request, update).await
        }
        O::SubscribeToConfigurationUpdate => {
            follow::<call::SubscribeToConfigurationUpdate>(request, |request| {
                configuration::ipc::watch(configuration, caller, request)
            })
        }
        O::SubscribeToValidateConfigurationUpdates => {
            follow::<call::SubscribeToValidateConfigurationUpdates>(request, |_| {
                configuration::ipc::validate(configuration, caller)
            })
        }
        O::SendConfigurationValidityReport => {
            at_once::<call::SendConfigurationValidityReport>(request, |request| {
                configuration::ipc::report(configuration, caller, request)
            })
        }

        O::GetSecretValue => {
            let get = |request| secrets::ipc::get(secrets, caller, request);
            in_time::<call::GetSecretValue, _>(request, get).await
        }

        O::UpdateState => at_once::<call::UpdateState>(request, |request| {
            lifecycle::ipc::update_state(lifecycle, caller, request)
        }),
        O::ListComponents => {
            let list = |_| lifecycle::ipc::list(lifecycle, caller);
            in_time::<call::ListComponents, _>(request, list).await
        }
        O::GetComponentDetails => {
            let details = |request| lifecycle::ipc::details(lifecycle, caller, request);
            in_time::<call::GetComponentDetails, _>(request, details).await
        }
        O::RestartComponent => {
            let restart = |request| lifecycle::ipc::restart(lifecycle, caller, request);
            in_time::<call::RestartComponent, _>(request, restart).await
        }
        O::StopComponent => {
            let stop = |request| lifecycle::ipc::stop(lifecycle, caller, request);
            in_time::<call::StopComponent, _>(request, stop).await
        }
        O::PauseComponent => {
            let pause = |request| lifecycle::ipc::pause(lifecycle, caller, request);
            in_time::<call::PauseComponent, _>(request, pause).await
        }
        O::ResumeComponent => {
            let resume = |request| lifecycle::ipc::resume(lifecycle, caller, request);
            in_time::<call::ResumeComponent, _>(request, resume).await
        }
        O::SubscribeToComponentUpdates => {
            follow::<call::SubscribeToComponentUpdates>(request, |_| {
                lifecycle::ipc::follow_updates(lifecycle, caller)
            })
        }
        O::DeferComponentUpdate => at_once::<call::DeferComponentUpdate>(request, |request| {
            lifecycle::ipc::defer(lifecycle, caller, request)
        }),

        O::CreateLocalDeployment => {
            let clock = &session.server.clock;
            let create = |request| deployment::ipc::create(deployment, clock, caller, request);
            in_time::<call::CreateLocalDeployment, _>(request, create).await
        }
        O::CancelLocalDeployment => {
            let cancel = |request| deployment::ipc::cancel(deployment, caller, request);
            in_time::<call::CancelLocalDeployment, _>(request, cancel).await
        }
        O::GetLocalDeploymentStatus => {
            let status = |request| deployment::ipc::status(deployment, caller, request);
            in_time::<call::GetLocalDeploymentStatus, _>(request, status).await
        }
        O::ListLocalDeployments => {
            let list = |_| deployment::ipc::list(deployment, caller);
            in_time::<call::ListLocalDeployments, _>(request, list).await
        }

        O::PlanLocalDeployment => {
            let clock = &session.server.clock;
            let plan = |request| deployment::ipc::plan(deployment, clock, caller, request);
            in_time::<call::PlanLocalDeployment, _>(request, plan).await
        }
        O::SubscribeToLocalDeploymentStatus => {
            let watch = |request| deployment::ipc::follow(deployment, caller, request);
            follow_in_time::<call::SubscribeToLocalDeploymentStatus, _>(request, watch).await
        }

        O::GetLogLevel => {
            let level = |_| host::ipc::log_level(host, caller);
            in_time::<call::GetLogLevel, _>(request, level).await
        }
        O::SetLogLevel => {
            let change = |request| host::ipc::set_log_level(host, caller, request);
            in_time::<call::SetLogLevel, _>(request, change).await
        }
        O::GetMetrics => {
            let metrics = |_| host::ipc::metrics(host, caller);
            in_time::<call::GetMetrics, _>(request, metrics).await
        }

        O::ListModels => {
            at_once::<call::ListModels>(request, |_| Ok(inference::ipc::list(inference, caller)))
        }
        O::DescribeModel => {
            let describe = |request| inference::ipc::describe(inference, caller, request);
            in_time::<call::DescribeModel, _>(request, describe).await
        }
        O::RunInference => {
            let run = |request| inference::ipc::run(inference, caller, request);
            in_time::<call::RunInference, _>(request, run).await
        }

        O::CreateDebugPassword => {
            at_once::<call::CreateDebugPassword>(request, |_| debug::ipc::create(debug, caller))
        }
        O::PutComponentMetric => at_once::<call::PutComponentMetric>(request, |request| {
            metric::ipc::put(metric, caller, request)
        }),
        O::ValidateAuthorizationToken => {
            at_once::<call::ValidateAuthorizationToken>(request, |request| {
                validate_token(&session.server.tokens, caller, &request)
            })
        }

        O::GetThingShadow => {
            let get = |request| shadow::ipc::get(shadows, caller, request);
            in_time::<call::GetThingShadow, _>(request, get).await
        }
        O::UpdateThingShadow => {
            let update = |request| shadow::ipc::update(shadows, caller, request);
            in_time::<call::UpdateThingShadow, _>(request, update).await
        }
        O::DeleteThingShadow => {
            let delete = |request| shadow::ipc::delete(shadows, caller, request);
            in_time::<call::DeleteThingShadow, _>(request, delete).await
        }
        O::ListNamedShadowsForThing => {
            let list = |request| shadow::ipc::list(shadows, caller, request);
            in_time::<call::ListNamedShadowsForThing, _>(request, list).await
        }

        // In Greengrass these are a plugin's, which is not on every device either.
        O::AuthorizeClientDeviceAction
        | O::GetClientDeviceAuthToken
        | O::SubscribeToCertificateUpdates
        | O::VerifyClientDeviceIdentity => Err(not_supported(operation.name())),
    }
}

/// ValidateAuthorizationToken.
fn validate_token(
    tokens: &Tokens,
    caller: &Caller,
    request: &ValidateAuthorizationTokenRequest,
) -> Served<ValidateAuthorizationTokenResponse> {
    if caller.name().as_str() != STREAM_MANAGER {
        let reason = format!("{} is not authorized to validate tokens", caller.name());
        return Err(OperationError::new(ErrorCode::Unauthorized, reason));
    }
    match tokens.caller(request.token.reveal()) {
        Some(_) => Ok(ValidateAuthorizationTokenResponse { is_valid: true }),
        None => Err(OperationError::new(ErrorCode::InvalidToken, "no component has this token")),
    }
}

fn not_supported(operation: &str) -> OperationError {
    let reason = format!("Operation {operation} is not supported by Greengrass");
    OperationError::new(ErrorCode::Service, reason)
}
