//! The operations of Greengrass IPC: their names, their shapes, and whether they stream. Those of
//! the namespace `gg.host` are this host's own, for what the command line and components ask and
//! Greengrass has no operation for.
//!
//! [`Operation`] is one as a value, to dispatch on. [`Call`] is one as a type, which brings its
//! request, response and event along: `StreamMessage::request::<call::PublishToTopic>(…)`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// What requests, responses and events have in common.
pub trait Shape: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + 'static {}

impl<T> Shape for T where
    T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + 'static
{
}

/// An operation as a type.
pub trait Call: 'static {
    /// The operation as a value.
    const OPERATION: Operation;
    /// What it is asked.
    type Request: Shape;
    /// What it answers.
    type Response: Shape;
    /// What follows the answer; [`NoEvent`] unless the operation streams.
    type Event: Shape;
}

/// The event of an operation that has none: it cannot exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NoEvent {}

/// Something to be done with every operation, for tools that treat all alike.
pub trait Visitor {
    /// Do it with one.
    fn visit<C: Call>(&mut self);
}

macro_rules! event {
    (type) => {
        NoEvent
    };
    (type $event:ident) => {
        $event
    };
    (name $namespace:literal) => {
        None
    };
    (name $namespace:literal $event:ident) => {
        Some(concat!($namespace, "#", stringify!($event)))
    };
}

macro_rules! operations {
    ($(
        $namespace:literal {$(
            $(#[$doc:meta])*
            $name:ident: $request:ident => $response:ident $(, then $event:ident)?;
        )*}
    )*) => {
        /// An operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $($( $(#[$doc])* $name, )*)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$($( Self::$name, )*)*];

            /// Its name, for example `aws.greengrass#PublishToTopic`.
            pub const fn name(self) -> &'static str {
                match self {
                    $($( Self::$name => concat!($namespace, "#", stringify!($name)), )*)*
                }
            }

            /// The shape of its request, for example `aws.greengrass#PublishToTopicRequest`.
            pub const fn request_type(self) -> &'static str {
                match self {
                    $($( Self::$name => concat!($namespace, "#", stringify!($request)), )*)*
                }
            }

            /// The shape of its response, for example `aws.greengrass#PublishToTopicResponse`.
            pub const fn response_type(self) -> &'static str {
                match self {
                    $($( Self::$name => concat!($namespace, "#", stringify!($response)), )*)*
                }
            }

            /// The shape of its events, if it streams.
            pub const fn event_type(self) -> Option<&'static str> {
                match self {
                    $($( Self::$name => event!(name $namespace $($event)?), )*)*
                }
            }
        }

        /// Each operation as a type.
        pub mod call {
            use super::{Call, NoEvent, Operation};
            use crate::shapes::*;

            $($(
                $(#[$doc])*
                #[derive(Debug)]
                pub enum $name {}

                impl Call for $name {
                    const OPERATION: Operation = Operation::$name;
                    type Request = $request;
                    type Response = $response;
                    type Event = event!(type $($event)?);
                }
            )*)*
        }

        /// Have all operations visited.
        pub fn visit(visitor: &mut impl Visitor) {
            $($( visitor.visit::<call::$name>(); )*)*
        }

        /// Have the shapes of all operations visited by a test.
        #[cfg(test)]
        pub(crate) fn visit_shapes(visitor: &mut impl crate::testing::ShapeVisitor) {
            use crate::shapes::*;
            $($(
                visitor.visit::<$request>(Operation::$name.request_type());
                visitor.visit::<$response>(Operation::$name.response_type());
                $( visitor.visit::<$event>(stringify!($event)); )?
            )*)*
        }
    };
}

operations! {
    "aws.greengrass" {
        /// Whether a client device may do something.
        AuthorizeClientDeviceAction:
            AuthorizeClientDeviceActionRequest => AuthorizeClientDeviceActionResponse;
        /// Stop a local deployment that waits or runs.
        CancelLocalDeployment:
            CancelLocalDeploymentRequest => CancelLocalDeploymentResponse;
        /// A password for the local debug console.
        CreateDebugPassword:
            CreateDebugPasswordRequest => CreateDebugPasswordResponse;
        /// Deploy from this device.
        CreateLocalDeployment:
            CreateLocalDeploymentRequest => CreateLocalDeploymentResponse;
        /// Put off a deployment that was announced, or agree to it.
        DeferComponentUpdate:
            DeferComponentUpdateRequest => DeferComponentUpdateResponse;
        /// Delete a shadow.
        DeleteThingShadow:
            DeleteThingShadowRequest => DeleteThingShadowResponse;
        /// A token for a client device that shows its credential.
        GetClientDeviceAuthToken:
            GetClientDeviceAuthTokenRequest => GetClientDeviceAuthTokenResponse;
        /// State and configuration of a component.
        GetComponentDetails:
            GetComponentDetailsRequest => GetComponentDetailsResponse;
        /// Part of a component's configuration.
        GetConfiguration:
            GetConfigurationRequest => GetConfigurationResponse;
        /// How a local deployment goes.
        GetLocalDeploymentStatus:
            GetLocalDeploymentStatusRequest => GetLocalDeploymentStatusResponse;
        /// A secret's value.
        GetSecretValue:
            GetSecretValueRequest => GetSecretValueResponse;
        /// A shadow.
        GetThingShadow:
            GetThingShadowRequest => GetThingShadowResponse;
        /// All components.
        ListComponents:
            ListComponentsRequest => ListComponentsResponse;
        /// All local deployments.
        ListLocalDeployments:
            ListLocalDeploymentsRequest => ListLocalDeploymentsResponse;
        /// The names of a thing's shadows.
        ListNamedShadowsForThing:
            ListNamedShadowsForThingRequest => ListNamedShadowsForThingResponse;
        /// Pause a component.
        PauseComponent:
            PauseComponentRequest => PauseComponentResponse;
        /// Publish to AWS IoT Core.
        PublishToIoTCore:
            PublishToIoTCoreRequest => PublishToIoTCoreResponse;
        /// Publish to a local topic.
        PublishToTopic:
            PublishToTopicRequest => PublishToTopicResponse;
        /// Report a component's own metrics.
        PutComponentMetric:
            PutComponentMetricRequest => PutComponentMetricResponse;
        /// Restart a component.
        RestartComponent:
            RestartComponentRequest => RestartComponentResponse;
        /// Let a paused component go on.
        ResumeComponent:
            ResumeComponentRequest => ResumeComponentResponse;
        /// Accept or reject a configuration that a deployment proposes.
        SendConfigurationValidityReport:
            SendConfigurationValidityReportRequest => SendConfigurationValidityReportResponse;
        /// Stop a component.
        StopComponent:
            StopComponentRequest => StopComponentResponse;
        /// A server certificate, and each that follows it.
        SubscribeToCertificateUpdates:
            SubscribeToCertificateUpdatesRequest => SubscribeToCertificateUpdatesResponse,
                then CertificateUpdateEvent;
        /// Deployments that are about to begin, and that have ended.
        SubscribeToComponentUpdates:
            SubscribeToComponentUpdatesRequest => SubscribeToComponentUpdatesResponse,
                then ComponentUpdatePolicyEvents;
        /// Changes of a configuration.
        SubscribeToConfigurationUpdate:
            SubscribeToConfigurationUpdateRequest => SubscribeToConfigurationUpdateResponse,
                then ConfigurationUpdateEvents;
        /// Messages from AWS IoT Core.
        SubscribeToIoTCore:
            SubscribeToIoTCoreRequest => SubscribeToIoTCoreResponse, then IoTCoreMessage;
        /// Whether AWS IoT Core is connected.
        SubscribeToIoTCoreConnectionStatus:
            SubscribeToIoTCoreConnectionStatusRequest => SubscribeToIoTCoreConnectionStatusResponse,
                then IoTCoreConnectionStatusEvent;
        /// Messages of local topics.
        SubscribeToTopic:
            SubscribeToTopicRequest => SubscribeToTopicResponse, then SubscriptionResponseMessage;
        /// Configurations that deployments propose.
        SubscribeToValidateConfigurationUpdates:
            SubscribeToValidateConfigurationUpdatesRequest
                => SubscribeToValidateConfigurationUpdatesResponse,
                then ValidateConfigurationUpdateEvents;
        /// Change the component's own configuration.
        UpdateConfiguration:
            UpdateConfigurationRequest => UpdateConfigurationResponse;
        /// Report the component's own state.
        UpdateState:
            UpdateStateRequest => UpdateStateResponse;
        /// Change a shadow.
        UpdateThingShadow:
            UpdateThingShadowRequest => UpdateThingShadowResponse;
        /// Whose token it is that another component shows.
        ValidateAuthorizationToken:
            ValidateAuthorizationTokenRequest => ValidateAuthorizationTokenResponse;
        /// Whether a certificate is that of a client device.
        VerifyClientDeviceIdentity:
            VerifyClientDeviceIdentityRequest => VerifyClientDeviceIdentityResponse;
    }
    "gg.host" {
        /// What is known of a machine-learning model.
        DescribeModel:
            DescribeModelRequest => DescribeModelResponse;
        /// The level from which on logs are kept.
        GetLogLevel:
            GetLogLevelRequest => GetLogLevelResponse;
        /// What is measured of the nucleus and of all components.
        GetMetrics:
            GetMetricsRequest => GetMetricsResponse;
        /// The machine-learning models that the component may use.
        ListModels:
            ListModelsRequest => ListModelsResponse;
        /// What a local deployment would do.
        PlanLocalDeployment:
            PlanLocalDeploymentRequest => PlanLocalDeploymentResponse;
        /// A prediction by a machine-learning model.
        RunInference:
            RunInferenceRequest => RunInferenceResponse;
        /// Change the level from which on logs are kept.
        SetLogLevel:
            SetLogLevelRequest => SetLogLevelResponse;
        /// How a local deployment gets on, up to its end.
        SubscribeToLocalDeploymentStatus:
            SubscribeToLocalDeploymentStatusRequest => SubscribeToLocalDeploymentStatusResponse,
                then LocalDeploymentStatusEvents;
    }
}

impl Operation {
    /// The operation with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// Whether events follow its response.
    pub const fn is_streaming(self) -> bool {
        self.event_type().is_some()
    }
}

#[cfg(test)]
mod tests;
