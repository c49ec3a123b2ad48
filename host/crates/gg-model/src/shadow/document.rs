//! A shadow, and how it changes.

use super::delta::delta;
use super::merge::{merge, stamped_section};
use super::request::{Change, SectionChange};
use super::{Refusal, Section, ShadowName, UpdateRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A shadow. A section that is empty is not there.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Shadow {
    /// What is to be.
    pub desired: Section,
    /// What is.
    pub reported: Section,
    /// When each leaf of the desired state was set.
    pub desired_metadata: Section,
    /// When each leaf of the reported state was set.
    pub reported_metadata: Section,
    /// Counted up with each change.
    pub version: u64,
}

/// What there is before a change.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Before {
    /// No shadow. If there was one, its deletion was counted as this version: they go on.
    Absent(u64),
    /// This.
    Present(Shadow),
}

impl Default for Before {
    fn default() -> Self {
        Self::Absent(0)
    }
}

/// What comes of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The shadow from now on.
    pub shadow: Shadow,
    /// The shadow before, if there was one.
    pub previous: Option<Shadow>,
    /// What was asked for; null for the whole state.
    pub(super) state: Value,
    /// What is said about the leaves of that.
    pub(super) metadata: Value,
}

impl Before {
    /// The shadow.
    ///
    /// # Errors
    /// There is none; the refusal names it.
    pub fn present(self, name: Option<&ShadowName>) -> Result<Shadow, Refusal> {
        match self {
            Self::Absent(_) => Err(Refusal::NotFound(name.cloned())),
            Self::Present(shadow) => Ok(shadow),
        }
    }

    /// The version, or that of the deletion.
    pub fn version(&self) -> u64 {
        match self {
            Self::Absent(version) => *version,
            Self::Present(shadow) => shadow.version,
        }
    }

    /// Carry out an update.
    ///
    /// # Errors
    /// The request is for another version, or the state would be larger than so many bytes.
    pub fn update(
        self,
        request: &UpdateRequest,
        at: u64,
        most_bytes: usize,
    ) -> Result<Updated, Refusal> {
        let before = self.version();
        let previous = match self {
            Self::Absent(_) if !matches!(request.version, None | Some(1)) => {
                return Err(Refusal::InvalidVersion);
            }
            Self::Absent(_) => None,
            Self::Present(shadow) if request.version.is_some_and(|v| v != shadow.version) => {
                return Err(Refusal::Conflict);
            }
            Self::Present(shadow) => Some(shadow),
        };
        let mut shadow = previous.clone().unwrap_or_default();
        shadow.change(request.state.as_ref(), at);
        shadow.version = before + 1;
        if shadow.bytes() > most_bytes {
            return Err(Refusal::TooLarge);
        }
        let (state, metadata) = echo(request.state.as_ref(), at);
        Ok(Updated { shadow, previous, state, metadata })
    }
}

impl Shadow {
    fn change(&mut self, change: Option<&Change>, at: u64) {
        let all = Change { desired: SectionChange::Clear, reported: SectionChange::Clear };
        let Change { desired, reported } = change.unwrap_or(&all);
        for (change, state, metadata) in [
            (desired, &mut self.desired, &mut self.desired_metadata),
            (reported, &mut self.reported, &mut self.reported_metadata),
        ] {
            match change {
                SectionChange::Nothing => {}
                SectionChange::Clear => {
                    state.clear();
                    metadata.clear();
                }
                SectionChange::Merge(change) => merge(state, metadata, change, at),
            }
        }
    }

    /// What counts against the limit of a shadow: both sections as text without white space.
    pub fn bytes(&self) -> usize {
        let section = |section: &Section| match section.is_empty() {
            true => 0,
            false => serde_json::to_string(section).map_or(usize::MAX, |text| text.len()),
        };
        section(&self.desired).saturating_add(section(&self.reported))
    }

    /// What of the desired state is not reported, and what is said about it; `None` if all is.
    pub(super) fn delta(&self) -> Option<[Section; 2]> {
        let found = delta(&self.desired, &self.reported, &self.desired_metadata);
        (!found[0].is_empty()).then_some(found)
    }
}

/// What was asked for, and what is said about its leaves.
fn echo(change: Option<&Change>, at: u64) -> (Value, Value) {
    let Some(Change { desired, reported }) = change else {
        return (Value::Null, json!({ "timestamp": at }));
    };
    let [mut state, mut metadata] = [Section::new(), Section::new()];
    for (name, change) in [("desired", desired), ("reported", reported)] {
        let (value, about) = match change {
            SectionChange::Nothing => continue,
            SectionChange::Clear => (Value::Null, json!({ "timestamp": at })),
            SectionChange::Merge(change) => {
                (change.clone().into(), stamped_section(change, at).into())
            }
        };
        state.insert(name.to_owned(), value);
        metadata.insert(name.to_owned(), about);
    }
    (state.into(), metadata.into())
}
