//! Recipes that are signed, and what they vouch for.

use super::TrustPolicy;
use crate::digest::Digest;
use crate::error::FormatError;
use crate::signature::Signature;
use crate::statement::{signatures_in, statement};
use crate::subject::{Content, Part, Source, Subject};
use crate::verdict::{Reason, Refusal, Verdict};
use gg_model::recipe::{Artifact, ArtifactUri};
use gg_model::version::ComponentVersion;
use gg_model::{ComponentName, Recipe};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A recipe that may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRecipe {
    /// The recipe.
    pub recipe: Recipe,
    /// Why it may be used.
    pub verdict: Verdict,
    /// What it says of its artifacts, if it is signed.
    pub vouched: Option<Vouched>,
}

/// What a signed recipe says of the artifacts of one component: their digests, by their URIs. Only
/// [`TrustPolicy::judge_recipe`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Vouched {
    component: ComponentName,
    version: ComponentVersion,
    digests: BTreeMap<ArtifactUri, Digest>,
}

impl TrustPolicy {
    /// Whether a recipe may be used as that of this component, and what it vouches for.
    ///
    /// It is signed by `signatures` on its bytes, or by those in it on its [`statement`]; either is
    /// over its name, its version and everything that runs. It must pin each of its artifacts by
    /// SHA-256, also those for other devices.
    ///
    /// # Errors
    /// It may not be used; why, and what would help.
    pub fn judge_recipe(
        &self,
        (component, version): (&ComponentName, &ComponentVersion),
        source: Source,
        bytes: &[u8],
        signatures: &[Result<Signature, FormatError>],
        now: SystemTime,
    ) -> Result<SignedRecipe, Refusal> {
        let subject = Subject { component, version, part: Part::Recipe, source };
        let refuse = |reason| Refusal { subject: subject.to_string(), reason };
        let on_bytes = self.judge(&subject, &Content::of(bytes), None, signatures, now);
        let recipe = match (read((component, version), bytes), &on_bytes) {
            (Ok(recipe), _) => recipe,
            (Err(_), Err(refusal)) => return Err(refusal.clone()),
            (Err(reason), Ok(_)) => return Err(refuse(reason)),
        };
        let is_final = match &on_bytes {
            Ok(verdict) => !matches!(verdict, Verdict::Tolerated(_)),
            Err(Refusal { reason, .. }) => {
                matches!(reason, Reason::Revoked { .. } | Reason::TooOld { .. })
            }
        };
        let mut verdict = match on_bytes {
            on_bytes if is_final || recipe.signatures.is_empty() => on_bytes?,
            _ => {
                let statement = statement(&recipe).map_err(refuse)?;
                let content = Content::of(statement.as_bytes());
                self.judge(&subject, &content, None, &signatures_in(&recipe), now)?
            }
        };
        let mut vouched = None;
        if let Verdict::Signed { .. } = verdict {
            match Vouched::of(&recipe) {
                Ok(digests) => vouched = Some(digests),
                Err(reason) if self.requirement(source) == super::Requirement::Warn => {
                    verdict = Verdict::Tolerated(Box::new(refuse(reason)));
                }
                Err(reason) => return Err(refuse(reason)),
            }
        }
        Ok(SignedRecipe { recipe, verdict, vouched })
    }
}

/// The recipe of this version, from its bytes.
fn read(
    (component, version): (&ComponentName, &ComponentVersion),
    bytes: &[u8],
) -> Result<Recipe, Reason> {
    // Text that is no UTF-8 has a character in it that no recipe has.
    let text = String::from_utf8_lossy(bytes);
    let recipe = Recipe::parse(&text).map_err(|fault| Reason::NoRecipe { fault })?;
    if (&recipe.name, &recipe.version) != (component, version) {
        let (name, version) = (recipe.name, recipe.version);
        return Err(Reason::OtherRecipe { name, version });
    }
    Ok(recipe)
}

impl Vouched {
    fn of(recipe: &Recipe) -> Result<Self, Reason> {
        let mut digests = BTreeMap::new();
        for artifact in recipe.manifests.iter().flat_map(|manifest| &manifest.artifacts) {
            let unpinned = || Reason::Unpinned { uri: artifact.uri.clone() };
            let digest = pinned(artifact).ok_or_else(unpinned)?;
            // Two manifests may mean the same file, but not two files.
            let before = digests.insert(artifact.uri.clone(), digest);
            if before.is_some_and(|before| before != digest) {
                return Err(unpinned());
            }
        }
        Ok(Self { component: recipe.name.clone(), version: recipe.version.clone(), digests })
    }

    /// Whether it says what this artifact must be.
    pub fn pins(&self, uri: &ArtifactUri) -> bool {
        self.digests.contains_key(uri)
    }

    /// What an artifact must be. What belongs to another component, or is not in the recipe, is not
    /// vouched for.
    pub(super) fn digest_of(&self, subject: &Subject<'_>) -> Option<Digest> {
        let Part::Artifact(uri) = subject.part else { return None };
        let same = *subject.component == self.component && *subject.version == self.version;
        same.then(|| self.digests.get(uri).copied()).flatten()
    }
}

/// The SHA-256 that a recipe gives an artifact.
pub(crate) fn pinned(artifact: &Artifact) -> Option<Digest> {
    if let ArtifactUri::Docker { image } = &artifact.uri {
        return image.rsplit_once('@')?.1.parse().ok();
    }
    let algorithm = artifact.algorithm.as_deref().unwrap_or("SHA-256");
    let known = algorithm.eq_ignore_ascii_case("SHA-256");
    known.then(|| Digest::from_base64(artifact.digest.as_deref()?)).flatten()
}
