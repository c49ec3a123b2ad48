//! The topics of shadows.

use super::{ShadowId, ShadowName};
use crate::name::ThingName;
use std::fmt;

/// What can be asked of a shadow by a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShadowOperation {
    /// Its document.
    Get,
    /// To change it.
    Update,
    /// To delete it.
    Delete,
}

impl ShadowOperation {
    const ALL: [Self; 3] = [Self::Get, Self::Update, Self::Delete];

    /// The level of its topics.
    pub fn level(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// What a message is that comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// It is done.
    Accepted,
    /// It is not.
    Rejected,
    /// What of the desired state is not reported.
    Delta,
    /// The shadow before and after.
    Documents,
}

impl Suffix {
    const ALL: [Self; 4] = [Self::Accepted, Self::Rejected, Self::Delta, Self::Documents];

    fn level(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Delta => "delta",
            Self::Documents => "documents",
        }
    }
}

/// A topic of a shadow: of a request, or of what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShadowTopic {
    /// The shadow.
    pub shadow: ShadowId,
    /// What is asked.
    pub operation: ShadowOperation,
    /// What comes of it; `None` for the request.
    pub suffix: Option<Suffix>,
}

impl ShadowTopic {
    /// What a topic is about, if it is one of a shadow.
    pub fn parse(topic: &str) -> Option<Self> {
        let mut levels = topic.strip_prefix("$aws/things/")?.split('/');
        let thing: ThingName = levels.next()?.parse().ok()?;
        if levels.next()? != "shadow" {
            return None;
        }
        let mut next = levels.next()?;
        let mut name = None;
        if next == "name" {
            name = Some(levels.next()?.parse::<ShadowName>().ok()?);
            next = levels.next()?;
        }
        let operation = ShadowOperation::ALL.into_iter().find(|one| one.level() == next)?;
        let suffix = match levels.next() {
            None => None,
            Some(level) => Some(Suffix::ALL.into_iter().find(|one| one.level() == level)?),
        };
        let only_of_updates = matches!(suffix, Some(Suffix::Delta | Suffix::Documents));
        let exists = !only_of_updates || operation == ShadowOperation::Update;
        (exists && levels.next().is_none()).then_some(Self {
            shadow: ShadowId { thing, name },
            operation,
            suffix,
        })
    }
}

impl fmt::Display for ShadowTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shadow, self.operation.level())?;
        match self.suffix {
            Some(suffix) => write!(f, "/{}", suffix.level()),
            None => Ok(()),
        }
    }
}
