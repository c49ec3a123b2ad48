//! A grant in short form, as given on a command line: `SERVICE:OPERATION:RESOURCE`.

use super::{AccessPolicy, PolicyError, ResourceError, resource::ResourcePattern};
use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;

/// One service's operation on one resource pattern, with full names. Written
/// `SERVICE:OPERATION:RESOURCE`: the service by alias (`pubsub`) or in full
/// (`aws.greengrass.ipc.pubsub`); the operation as `*`, in full (`aws.greengrass#PublishToTopic`),
/// without its namespace (`PublishToTopic`) or by alias (`publish`). What is left out at the end is
/// `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The service's identifier.
    pub service: String,
    /// The operation's full name, or `*`.
    pub operation: String,
    /// The resource pattern.
    pub resource: String,
}

/// Why a text is not a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A part between colons has no characters.
    #[error("the grant `{grant}` has an empty {part}; write `*` for all")]
    EmptyPart {
        /// The grant.
        grant: String,
        /// `service`, `operation` or `resource`.
        part: &'static str,
    },
    /// The service is neither an alias nor a full name.
    #[error(
        "the service `{service}` is unknown; use a full name with dots, or one of {}",
        aliases()
    )]
    Service {
        /// The service.
        service: String,
    },
    /// The operation is neither an alias nor a name.
    #[error(
        "the operation `{operation}` is unknown; use `*`, a name such as `PublishToTopic`{known}"
    )]
    Operation {
        /// The operation.
        operation: String,
        /// The service's aliases, as the end of the sentence.
        known: String,
    },
    /// The resource is not a pattern.
    #[error("the resource `{resource}` {reason}")]
    Resource {
        /// The resource.
        resource: String,
        /// What is wrong with it.
        reason: ResourceError,
    },
    /// The grant has too many bytes.
    #[error(
        "the grant's resource has {length} bytes; at most {} are allowed",
        super::MAX_RESOURCE_BYTES
    )]
    TooLong {
        /// How long it is.
        length: usize,
    },
}

struct Service {
    alias: &'static str,
    name: &'static str,
    namespace: &'static str,
    operations: &'static [(&'static str, &'static str)],
}

/// The namespace of Greengrass's operations, and of this host's older ones.
const GREENGRASS: &str = "aws.greengrass";

const SERVICES: &[Service] = &[
    Service {
        alias: "pubsub",
        name: "aws.greengrass.ipc.pubsub",
        namespace: GREENGRASS,
        operations: &[("publish", "PublishToTopic"), ("subscribe", "SubscribeToTopic")],
    },
    Service {
        alias: "mqtt",
        name: "aws.greengrass.ipc.mqttproxy",
        namespace: GREENGRASS,
        operations: &[("publish", "PublishToIoTCore"), ("subscribe", "SubscribeToIoTCore")],
    },
    Service {
        alias: "lifecycle",
        name: "aws.greengrass.ipc.lifecycle",
        namespace: GREENGRASS,
        operations: &[("pause", "PauseComponent"), ("resume", "ResumeComponent")],
    },
    Service {
        alias: "secrets",
        name: "aws.greengrass.SecretManager",
        namespace: GREENGRASS,
        operations: &[("get", "GetSecretValue")],
    },
    Service {
        alias: "shadow",
        name: "aws.greengrass.ShadowManager",
        namespace: GREENGRASS,
        operations: &[
            ("get", "GetThingShadow"),
            ("update", "UpdateThingShadow"),
            ("delete", "DeleteThingShadow"),
            ("list", "ListNamedShadowsForThing"),
        ],
    },
    Service { alias: "cli", name: "aws.greengrass.Cli", namespace: GREENGRASS, operations: &[] },
    Service {
        alias: "configuration",
        name: "gg.host.configuration",
        namespace: GREENGRASS,
        operations: &[
            ("get", "GetConfiguration"),
            ("update", "UpdateConfiguration"),
            ("watch", "SubscribeToConfigurationUpdate"),
        ],
    },
    Service {
        alias: "inference",
        name: "gg.host.inference",
        namespace: "gg.host",
        operations: &[("run", "RunInference"), ("load", "LoadModel")],
    },
    Service { alias: "logging", name: "gg.host.logging", namespace: GREENGRASS, operations: &[] },
    Service { alias: "keyvalue", name: "gg.host.keyvalue", namespace: GREENGRASS, operations: &[] },
];

fn aliases() -> String {
    SERVICES.iter().map(|service| service.alias).collect::<Vec<_>>().join(", ")
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let mut parts = text.splitn(3, ':');
        let mut part = |name| match parts.next() {
            Some("") => Err(GrantError::EmptyPart { grant: excerpt(text), part: name }),
            part => Ok(part.unwrap_or("*")),
        };
        let (service, operation, resource) =
            (part("service")?, part("operation")?, part("resource")?);
        let service = service_name(service)?;
        let operation = operation_name(service, operation)?;
        match ResourcePattern::parse(resource) {
            Err(PolicyError::Resource { resource, reason }) => {
                return Err(GrantError::Resource { resource, reason });
            }
            Err(_) => return Err(GrantError::TooLong { length: resource.len() }),
            Ok(_) => {}
        }
        Ok(Self { service: service.into(), operation, resource: resource.into() })
    }
}

fn service_name(text: &str) -> Result<&str, GrantError> {
    match SERVICES.iter().find(|service| service.alias == text) {
        Some(service) => Ok(service.name),
        None if text.contains('.') => Ok(text),
        None => Err(GrantError::Service { service: excerpt(text) }),
    }
}

fn operation_name(service: &str, text: &str) -> Result<String, GrantError> {
    let service = SERVICES.iter().find(|known| known.name == service);
    let operations = service.map_or([].as_slice(), |service| service.operations);
    let namespace = service.map_or(GREENGRASS, |service| service.namespace);
    if let Some((_, name)) = operations.iter().find(|(alias, _)| *alias == text) {
        return Ok(format!("{namespace}#{name}"));
    }
    if text == "*" || text.contains('#') {
        return Ok(text.into());
    }
    let bare = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if bare {
        return Ok(format!("{namespace}#{text}"));
    }
    let aliases: Vec<&str> = operations.iter().map(|(alias, _)| *alias).collect();
    let known = match aliases.as_slice() {
        [] => String::new(),
        aliases => format!(", or one of {}", aliases.join(", ")),
    };
    Err(GrantError::Operation { operation: excerpt(text), known })
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.service, self.operation, self.resource)
    }
}

impl AccessPolicy {
    /// Allow what a grant says.
    pub fn grant(&mut self, grant: &Grant) -> Result<(), PolicyError> {
        self.allow(&grant.service, &grant.operation, &grant.resource)
    }
}

#[cfg(test)]
mod tests;
