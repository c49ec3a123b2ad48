//! Which secrets there are, and which version is meant. Pure.

use gg_model::secret::CURRENT;
use gg_model::{SecretHead, SecretVersion};
use std::sync::Arc;

/// Which version of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selector {
    /// That with this staging label.
    Stage(String),
    /// That with this id.
    Version(String),
}

impl Default for Selector {
    fn default() -> Self {
        Self::Stage(CURRENT.to_owned())
    }
}

impl Selector {
    fn matches(&self, head: &SecretHead) -> bool {
        match self {
            Self::Stage(stage) => head.stages.contains(stage),
            Self::Version(version) => head.version == *version,
        }
    }
}

/// A version of a secret, sealed.
#[derive(Debug)]
pub struct Held {
    /// What may be told of it.
    pub head: SecretHead,
    /// Its value.
    pub sealed: Vec<u8>,
}

/// All versions that are here.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// What the operator's file gives, which comes first.
    pub(super) file: Vec<Arc<Held>>,
    /// What the cloud gave.
    pub(super) cloud: Vec<Arc<Held>>,
}

impl Catalogue {
    fn all(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.file.iter().chain(&self.cloud)
    }

    /// The secret that is meant by a name or an ARN: any of its versions.
    pub(super) fn secret(&self, id: &str) -> Option<&SecretHead> {
        self.all().map(|held| &held.head).find(|head| head.is_meant_by(id))
    }

    /// A version of a secret, which is known by its key.
    pub(super) fn version(&self, key: &str, which: &Selector) -> Option<&Arc<Held>> {
        self.all().find(|held| held.head.key() == key && which.matches(&held.head))
    }

    /// The key of a secret that the cloud gave.
    pub(super) fn key_in_cloud(&self, of: impl Fn(&SecretHead) -> bool) -> Option<String> {
        let mut heads = self.cloud.iter().map(|held| &held.head);
        heads.find(|head| of(head)).map(|head| head.key().to_owned())
    }

    /// What the cloud has of a secret now, in place of what it had.
    pub(super) fn set_cloud(&mut self, of: impl Fn(&SecretHead) -> bool, versions: Vec<Held>) {
        self.cloud.retain(|held| !of(&held.head));
        self.cloud.extend(versions.into_iter().map(Arc::new));
    }

    /// Forget the secrets of the cloud that are not wanted; gives their ARNs.
    pub(super) fn retain_cloud(&mut self, wanted: impl Fn(&SecretHead) -> bool) -> Vec<String> {
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.cloud).into_iter().partition(|held| wanted(&held.head));
        self.cloud = kept;
        gone.iter().map(|held| held.head.key().to_owned()).collect()
    }

    /// What the operator's file gives now, in place of what it gave.
    pub(super) fn set_file(&mut self, versions: Vec<Held>) {
        self.file = versions.into_iter().map(Arc::new).collect();
    }
}

/// Which of some versions are to be kept, and with which labels: the last one to have a label has
/// it, and one that has none is not wanted.
pub fn settle(versions: Vec<SecretVersion>) -> Vec<SecretVersion> {
    let mut settled: Vec<SecretVersion> = Vec::new();
    for version in versions {
        for other in &mut settled {
            other.head.stages.retain(|stage| !version.head.stages.contains(stage));
        }
        settled.retain(|other| other.head.version != version.head.version);
        settled.push(version);
    }
    settled.retain(|version| !version.head.stages.is_empty());
    settled
}
