//! What a signed payload says: which bytes it means, and for which component.

use crate::digest::Digest;
use crate::subject::Subject;
use gg_model::shape::excerpt;
use serde::{Deserialize, Serialize};

/// What is claimed by a payload whose signature holds.
pub(crate) struct Claim {
    /// The digest of what is signed.
    pub(crate) digest: Digest,
    /// What is said beside it.
    pub(crate) annotations: Annotations,
}

/// What a signature on an artifact may say of where it belongs. Whoever leaves it out signs bytes,
/// for whichever of the key's components has them. `cosign sign -a gg.component=… -a gg.version=…`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotations {
    /// The one component that may have it.
    #[serde(rename = "gg.component", default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The one version that may have it.
    #[serde(rename = "gg.version", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Annotations {
    /// Whom it is for instead, if it is not for this subject.
    pub(crate) fn other_than(&self, subject: &Subject<'_>) -> Option<String> {
        let differs = |said: &Option<String>, is: &dyn Fn(&str) -> bool| {
            said.as_deref().filter(|said| !is(said)).map(excerpt)
        };
        let component = differs(&self.component, &|said| said == subject.component.as_str());
        let version = || differs(&self.version, &|said| said == subject.version.to_string());
        component.or_else(version)
    }
}
