//! Which versions devices are to have. Devices ask it, too, known by their certificates.

use crate::registry::components::{self, Candidate, Resolved};
use crate::registry::{Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gg_model::{ComponentName, ComponentVersion, Platform, VersionRequirement};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::services) const RESOLVE: &str = "/greengrass/v2/resolveComponentCandidates";

pub(super) static OPERATIONS: &[Operation] =
    &[Operation::new(Method::POST, RESOLVE, "ResolveComponentCandidates", resolve)];

/// Most components that are asked for at a time.
const MOST: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    platform: Attributes,
    component_candidates: Vec<Asked>,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    component_name: ComponentName,
    component_version: Option<ComponentVersion>,
    #[serde(default)]
    version_requirements: BTreeMap<String, VersionRequirement>,
}

fn resolve(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    Ok(answer(resolved(registry, call)?))
}

/// What is found for a call.
pub(in crate::services) fn resolved(
    registry: &Registry,
    call: &Call,
) -> Result<Vec<Resolved>, Refusal> {
    let input: Input = call.json()?;
    if !(1..=MOST).contains(&input.component_candidates.len()) {
        let message = format!("componentCandidates has 1 to {MOST} elements");
        return Err(Refusal::invalid(message).about("field", "componentCandidates"));
    }
    let platform = Platform::default().overridden(&input.platform.attributes);
    let (rows, place) = (registry.state.snapshot()?, &registry.place);
    let resolve = |asked: Asked| {
        let candidate = Candidate {
            name: asked.component_name,
            own: asked.component_version,
            requirements: asked.version_requirements.into_values().collect(),
        };
        components::resolve(rows.as_ref(), place, &platform, &candidate)
    };
    input.component_candidates.into_iter().map(resolve).collect()
}

/// What was found.
pub(in crate::services) fn answer(found: Vec<Resolved>) -> Answer {
    let found: Value = found.into_iter().map(show).collect();
    Answer::ok(json!({ "resolvedComponentVersions": found }))
}

fn show(resolved: Resolved) -> Value {
    let Resolved { arn, name, version, recipe } = resolved;
    json!({
        "arn": arn,
        "componentName": name,
        "componentVersion": version,
        "recipe": STANDARD.encode(recipe.to_string()),
        "vendorGuidance": "ACTIVE",
    })
}
