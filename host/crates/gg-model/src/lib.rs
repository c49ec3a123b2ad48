//! The nouns and rules of AWS IoT Greengrass V2 as plain data.
//!
//! Everything here is a value or a rule over values: no I/O, no clock, no threads. Text from
//! outside is checked once, where it becomes one of these types, and every parser has limits; a
//! value that exists is valid. What acts on them is the host's business.
//!
//! In reading order:
//!
//! * [`name`], [`version`]: who a component, a device is.
//! * [`topic`], [`delivery`]: what messages are published to, how they reach a subscriber.
//! * [`recipe`], [`platform`], [`mod@interpolate`]: what a component is and how it runs on which
//!   device.
//! * [`config_tree`]: a component's configuration, and how it is merged.
//! * [`policy`]: what a component may ask of others.
//! * [`sandbox`], [`limits`]: what a wasm component is granted of the machine, and how much of it.
//! * [`model`]: the machine-learning models that a component brings.
//! * [`deployment`], [`mod@resolve`]: what a device is to become, and which versions that takes.
//! * [`shadow`]: what is kept of a thing, and how two copies of it are brought in step.
//! * [`nucleus`]: what the core software is told of itself.
//! * [`secret`]: secrets, and the text in which an operator gives them.
//! * [`shape`]: how documents are read, for those that are kept elsewhere too.
#![forbid(unsafe_code)]

mod text;

pub mod config_tree;
pub mod delivery;
pub mod deployment;
pub mod fleet_status;
pub mod interpolate;
pub mod limits;
pub mod model;
pub mod name;
pub mod nucleus;
pub mod platform;
pub mod policy;
pub mod recipe;
pub mod resolve;
pub mod sandbox;
pub mod secret;
pub mod shadow;
pub mod shape;
pub mod topic;
pub mod version;

pub use config_tree::{Changed, ConfigError, ConfigTree};
pub use delivery::{Origin, ReceiveMode, WhenFull};
pub use deployment::{
    ComponentDeployment, ConfigurationUpdate, DeploymentDocument, DeploymentGroup, DeploymentId,
    DeploymentRequest, FailureHandlingPolicy, LocalDeploymentRequest, PosixUser, RunWith,
    SystemResourceLimits,
};
pub use interpolate::interpolate;
pub use limits::{Exceeded, LimitOverrides, Limits};
pub use model::{BatchSettings, ModelDeclaration, Share};
pub use name::{ComponentName, ModelName, NamePattern, ThingName};
pub use nucleus::{
    ArtifactSettings, ClaimSettings, IdentityFiles, InferenceSettings, LogFormat, LogOutput,
    LoggingSettings, MetricsSettings, MqttSettings, MqttVersion, NucleusFile, NucleusSettings,
    OtlpSettings, TokenExchangeSettings,
};
pub use platform::{Platform, RuntimeKind};
pub use policy::{AccessPolicy, Grant, ResourceStyle};
pub use recipe::Recipe;
pub use resolve::resolve;
pub use sandbox::{Directory, HandlerSubscription, HostPort, Sandbox};
pub use secret::{RoleCredentials, SecretHead, SecretManagerSettings, SecretValue, SecretVersion};
pub use shape::{KeyPath, Place, ShapeError, Warning};
pub use topic::{Topic, TopicFilter};
pub use version::{ComponentVersion, VersionRequirement};
