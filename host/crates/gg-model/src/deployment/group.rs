//! Whom a deployment is for.

use crate::text::{checked_text, excerpt};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Most bytes in a deployment's id and in its ARN.
const MAX_BYTES: usize = 2048;

/// A deployment's identity, as its source names it: mostly a UUID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeploymentId(Arc<str>);

/// What the cloud calls a revision of a target's deployments:
/// `arn:aws:greengrass:region:account:configuration:thinggroup/name:revision`.
///
/// A text that is not such an ARN is let through, as in the Java nucleus, and is a group of its
/// own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfigurationArn(Arc<str>);

/// Why a text is neither a deployment's id nor its ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentTextError {
    /// There is no text.
    #[error("the text is empty; leave the key out, or give it 1 to {MAX_BYTES} characters")]
    Empty,
    /// There is too much text.
    #[error("`{text}` has {length} bytes; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Where the text begins.
        text: String,
        /// How long it is.
        length: usize,
    },
    /// It holds something that cannot be printed.
    #[error("`{text}` contains the control character {character:?}")]
    Control {
        /// The text.
        text: String,
        /// The first of them.
        character: char,
    },
}

checked_text!(DeploymentId, DeploymentTextError, check);
checked_text!(ConfigurationArn, DeploymentTextError, check);

fn check(text: &str) -> Result<(), DeploymentTextError> {
    if text.is_empty() {
        return Err(DeploymentTextError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(DeploymentTextError::TooLong { text: excerpt(text), length: text.len() });
    }
    match text.chars().find(|character| character.is_control()) {
        Some(character) => Err(DeploymentTextError::Control { text: excerpt(text), character }),
        None => Ok(()),
    }
}

impl ConfigurationArn {
    /// The group whose deployments these are.
    pub fn group(&self) -> DeploymentGroup {
        DeploymentGroup::from(self.parts().0)
    }

    /// Which of the group's deployments this is; later ones have higher numbers.
    pub fn revision(&self) -> Option<u64> {
        self.parts().1
    }

    fn parts(&self) -> (&str, Option<u64>) {
        let Some(resource) = resource(self.as_str()) else { return (self.as_str(), None) };
        let resource = resource.strip_prefix("configuration:").unwrap_or(resource);
        // A group's name may hold colons too.
        match resource.rsplit_once(':').map(|(group, revision)| (group, revision.parse())) {
            Some((group, Ok(revision))) => (group, Some(revision)),
            _ => (resource, None),
        }
    }
}

/// What follows the account in an ARN.
fn resource(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4))
}

/// A group of root components: those of one source of deployments. A device may be in several, and
/// has the components of all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DeploymentGroup {
    /// `thinggroup/name`: the devices of a thing group.
    ThingGroup(String),
    /// `thing/name`: this device.
    Thing(String),
    /// `LOCAL_DEPLOYMENT`: what was deployed on the device itself.
    Local,
    /// Whatever else a deployment calls its target.
    Other(String),
}

const LOCAL: &str = "LOCAL_DEPLOYMENT";

impl DeploymentGroup {
    /// The thing group of an ARN as AWS IoT writes it: `arn:aws:iot:region:account:thinggroup/name`.
    pub(super) fn of_thing_group(arn: &str) -> Self {
        Self::from(resource(arn).unwrap_or(arn))
    }
}

impl From<&str> for DeploymentGroup {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some(("thinggroup", name)) => Self::ThingGroup(name.into()),
            Some(("thing", name)) => Self::Thing(name.into()),
            _ if text == LOCAL => Self::Local,
            _ => Self::Other(text.into()),
        }
    }
}

impl From<String> for DeploymentGroup {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<DeploymentGroup> for String {
    fn from(group: DeploymentGroup) -> Self {
        group.to_string()
    }
}

impl fmt::Display for DeploymentGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThingGroup(name) => write!(f, "thinggroup/{name}"),
            Self::Thing(name) => write!(f, "thing/{name}"),
            Self::Local => f.write_str(LOCAL),
            Self::Other(text) => f.write_str(text),
        }
    }
}
