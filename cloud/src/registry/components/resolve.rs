//! Which version of a component a device is to have (API reference, `ResolveComponentCandidates`).

use super::{COMPONENTS, Component, builtin, key, versions};
use crate::registry::{Place, Refusal};
use crate::state::Rows;
use gg_model::recipe::{ArtifactUri, document};
use gg_model::{ComponentName, ComponentVersion, Platform, VersionRequirement};
use serde_json::Value;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The component.
    pub name: ComponentName,
    /// The version that the device has.
    pub own: Option<ComponentVersion>,
    /// What the version must be for all who need it.
    pub requirements: Vec<VersionRequirement>,
}

/// What is found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The ARN of the version.
    pub arn: String,
    /// The component.
    pub name: ComponentName,
    /// The version.
    pub version: ComponentVersion,
    /// Its recipe, whose artifacts are to be had from here.
    pub recipe: Value,
}

/// The version that a device has if it will do, otherwise the newest that does.
///
/// # Errors
/// There is none.
pub fn resolve(
    rows: &dyn Rows,
    place: &Place,
    platform: &Platform,
    candidate: &Candidate,
) -> Result<Resolved, Refusal> {
    let Candidate { name, own, requirements } = candidate;
    let meets = |version: &ComponentVersion| VersionRequirement::all_match(requirements, version);
    let mut found = versions(rows, name)?;
    if found.is_empty()
        && let Some(version) = builtin::version(name, own.as_ref(), requirements)
    {
        let absent = || Refusal::not_found("component", name.to_string());
        let component = builtin::component(name, Some(&version)).ok_or_else(absent)?;
        let arn = component.arn(place);
        let Component { name, version, recipe, .. } = component;
        return Ok(Resolved { arn, name, version, recipe });
    }
    found.retain(|component| meets(&component.version));
    let versions_meet = !found.is_empty();
    found.retain(|component| runs_on(component, platform));
    let has = found.iter().position(|component| Some(&component.version) == own.as_ref());
    let component = found.into_iter().nth(has.unwrap_or_default()).ok_or_else(|| {
        // Devices look for these words.
        let wanted: Vec<&str> = requirements.iter().map(VersionRequirement::as_str).collect();
        let mut message =
            format!("there is no usable version of {name} that meets [{}]", wanted.join(", "));
        if versions_meet {
            message.push_str(&format!(": none of those does claim platform [{platform}]"));
        }
        Refusal::not_found("component", name.to_string()).saying(message)
    })?;
    let arn = component.arn(place);
    let Component { name, version, mut recipe, .. } = component;
    serve_artifacts(&mut recipe);
    Ok(Resolved { arn, name, version, recipe })
}

/// Whether a manifest of it is for a device.
fn runs_on(component: &Component, platform: &Platform) -> bool {
    let platforms = &component.platforms;
    platforms.is_empty() || platforms.iter().any(|one| platform.matches(&one.attributes))
}

/// Have devices ask for artifacts here, which are kept in S3: they have no other way to reach it. An
/// artifact is named by all of its place, since two of a version can be called alike.
fn serve_artifacts(recipe: &mut Value) {
    for described in document::artifacts(recipe) {
        let uri = described.get("Uri").and_then(Value::as_str).unwrap_or_default();
        if let Ok(ArtifactUri::S3 { bucket, key }) = uri.parse() {
            described.insert("Uri".to_owned(), format!("greengrass:{bucket}/{key}").into());
        }
    }
}

/// There is such a version, or it is one that AWS provides.
///
/// # Errors
/// There is none.
pub fn require(
    rows: &dyn Rows,
    name: &ComponentName,
    version: &ComponentVersion,
) -> Result<(), Refusal> {
    let is_there = COMPONENTS.get(rows, &key(name, version))?.is_some() || builtin::is_one(name);
    let missing = || Refusal::not_found("component", format!("{name} {version}"));
    is_there.then_some(()).ok_or_else(missing)
}
