//! Says whether the parts of one version of a component may be used.

use super::Id;
use gg_model::ComponentName;
use gg_model::recipe::ArtifactUri;
use gg_trust::{
    Content, Digest, FormatError, Part, Reason, Refusal, Requirement, Signature, Source, Subject,
    TrustPolicy, Verdict, Vouched,
};
use std::sync::Arc;
use std::time::SystemTime;

/// What is kept of a recipe.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its text.
    pub text: String,
    /// The signatures beside it, also what cannot be read as one.
    pub signatures: Vec<Result<Signature, FormatError>>,
    /// Whether the cloud gave it.
    pub is_of_cloud: bool,
}

/// Says whether the parts of one version of a component may be used. Its recipe may. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Judge {
    policy: Arc<TrustPolicy>,
    id: Id,
    vouched: Option<Vouched>,
    /// The time that counts for keys.
    at: SystemTime,
}

impl Judge {
    /// The judge of a component whose recipe is trusted.
    ///
    /// # Errors
    /// It is not.
    pub fn new(
        policy: Arc<TrustPolicy>,
        id: Id,
        kept: &Kept,
        at: SystemTime,
    ) -> Result<Self, Refusal> {
        let source = if kept.is_of_cloud { Source::Cloud } else { Source::Local };
        let text = kept.text.as_bytes();
        let judged = policy.judge_recipe((&id.0, &id.1), source, text, &kept.signatures, at)?;
        say(&id.0, "recipe", &judged.verdict);
        Ok(Self { policy, id, vouched: judged.vouched, at })
    }

    /// Whether an artifact that came from there takes signatures of its own.
    pub fn asks(&self, uri: &ArtifactUri, source: Source) -> bool {
        !self.vouches(uri) && self.policy.requirement(source) != Requirement::Off
    }

    /// Whether what is brought of an artifact will be known to be what somebody meant.
    pub fn holds(&self, uri: &ArtifactUri) -> bool {
        self.vouches(uri) || self.policy.requirement(Source::of(uri)) == Requirement::Required
    }

    fn vouches(&self, uri: &ArtifactUri) -> bool {
        self.vouched.as_ref().is_some_and(|vouched| vouched.pins(uri))
    }

    /// Whether an artifact that came from there may be used. `file`: its own digest, where the content
    /// that is signed is something else.
    ///
    /// # Errors
    /// It may not.
    pub fn artifact(
        &self,
        (uri, source): (&ArtifactUri, Source),
        file: Option<&Digest>,
        content: &Content<'_>,
        signatures: &[Result<Signature, FormatError>],
    ) -> Result<(), Refusal> {
        let (component, version) = (&self.id.0, &self.id.1);
        let subject = Subject { component, version, part: Part::Artifact(uri), source };
        if let Some(digest) = file.filter(|digest| self.policy.revokes(digest)) {
            let (subject, reason) = (subject.to_string(), Reason::Revoked { digest: *digest });
            return Err(Refusal { subject, reason });
        }
        let vouched = self.vouched.as_ref();
        let verdict = self.policy.judge(&subject, content, vouched, signatures, self.at)?;
        say(component, &uri.to_string(), &verdict);
        Ok(())
    }
}

fn say(component: &ComponentName, what: &str, verdict: &Verdict) {
    match verdict {
        Verdict::Signed { by, .. } => {
            tracing::info!(%component, what, key = by, "its signature holds");
        }
        Verdict::Tolerated(refusal) => tracing::warn!(%component, "{refusal}"),
        Verdict::Vouched | Verdict::NotAsked => {}
    }
}
