//! What a recipe means, as bytes to be signed.
//!
//! A cloud does not hand the bytes of a recipe on: it keeps JSON for YAML, adds digests, names
//! artifacts by URIs of its own. What is signed is therefore a text that is the same for every such
//! writing of a recipe: JSON without spaces, members sorted, of all that has an effect on a device,
//! artifacts by their names and digests. The signatures travel in the recipe's default
//! configuration ([`SIGNATURES`](gg_model::recipe::SIGNATURES)).

use crate::error::FormatError;
use crate::policy::pinned;
use crate::signature::Signature;
use crate::verdict::Reason;
use gg_model::Recipe;
use gg_model::recipe::{
    Access, Artifact, ArtifactUri, ComponentType, Dependency, DependencyType, Lifecycle, Manifest,
    Permission, Step, Unarchive,
};
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the member `format` says.
const FORMAT: &str = "gg-host/recipe/1";

/// Whole numbers up to this are the same as integers and as floating point.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The signatures that a recipe carries, as far as they can be read.
pub fn signatures_in(recipe: &Recipe) -> Vec<Result<Signature, FormatError>> {
    let read = |value: &Value| match value {
        Value::String(text) => Signature::read(text.as_bytes()),
        bundle => Signature::read(bundle.to_string().as_bytes()),
    };
    recipe.signatures.iter().map(read).collect()
}

/// What a recipe means: the same text for each writing of the same recipe.
///
/// # Errors
/// [`Reason::Unpinned`]: it does not say what one of its artifacts must be.
pub fn statement(recipe: &Recipe) -> Result<String, Reason> {
    // Each part is taken apart whole, so that a member that is added to one cannot be forgotten
    // here. Those that are left out have no effect.
    let Recipe {
        name,
        version,
        description: _,
        publisher: _,
        component_type,
        component_source,
        default_configuration,
        signatures: _,
        dependencies,
        manifests,
        warnings: _,
    } = recipe;
    let dependencies: Map<String, Value> =
        dependencies.iter().map(|(name, needed)| (name.to_string(), dependency(needed))).collect();
    let manifests: Vec<Value> = manifests.iter().map(manifest).collect::<Result<_, _>>()?;
    let value = json!({
        "format": FORMAT,
        "name": name.as_str(),
        "version": version.to_string(),
        "type": kind(*component_type),
        "source": component_source,
        "configuration": default_configuration,
        "dependencies": dependencies,
        "manifests": manifests,
    });
    Ok(canonical(value).to_string())
}

fn kind(component_type: ComponentType) -> &'static str {
    match component_type {
        ComponentType::Generic => "generic",
        ComponentType::Lambda => "lambda",
        ComponentType::Plugin => "plugin",
        ComponentType::Nucleus => "nucleus",
    }
}

fn dependency(needed: &Dependency) -> Value {
    let Dependency { version_requirement, dependency_type } = needed;
    let is_hard = match dependency_type {
        DependencyType::Hard => true,
        DependencyType::Soft => false,
    };
    json!({ "versions": version_requirement.to_string(), "hard": is_hard })
}

fn manifest(manifest: &Manifest) -> Result<Value, Reason> {
    // The selections have chosen the lifecycle.
    let Manifest { name: _, platform, lifecycle, selections: _, artifacts } = manifest;
    let artifacts: Vec<Value> = artifacts.iter().map(artifact).collect::<Result<_, _>>()?;
    Ok(json!({
        "platform": platform,
        "lifecycle": lifecycle_of(lifecycle),
        "artifacts": artifacts,
    }))
}

fn lifecycle_of(lifecycle: &Lifecycle) -> Value {
    let Lifecycle { steps, environment, error_reset_time } = lifecycle;
    let steps: BTreeMap<&str, Value> =
        steps.iter().map(|(name, step)| (name.as_str(), step_of(step))).collect();
    json!({
        "steps": steps,
        "environment": environment,
        "errorResetTime": seconds(*error_reset_time),
    })
}

fn step_of(step: &Step) -> Value {
    let Step {
        script,
        requires_privilege,
        skip_if,
        timeout,
        environment,
        bootstrap_on_rollback,
        other_options,
    } = step;
    json!({
        "script": script,
        "requiresPrivilege": requires_privilege,
        "skipIf": skip_if.as_ref().map(ToString::to_string),
        "timeout": timeout.map(seconds),
        "environment": environment,
        "bootstrapOnRollback": bootstrap_on_rollback,
        "otherOptions": other_options,
    })
}

/// Seconds, to the nanosecond.
fn seconds(duration: Duration) -> String {
    format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos())
}

fn artifact(artifact: &Artifact) -> Result<Value, Reason> {
    let digest = pinned(artifact).ok_or_else(|| Reason::Unpinned { uri: artifact.uri.clone() })?;
    let Artifact { uri, unarchive, digest: _, algorithm: _, permission } = artifact;
    let name = match uri {
        ArtifactUri::Docker { image } => Some(image.as_str()),
        uri => uri.file_name(),
    };
    let unarchive = match unarchive {
        Unarchive::None => "none",
        Unarchive::Zip => "zip",
        Unarchive::Tar => "tar",
    };
    let Permission { read, execute } = permission;
    Ok(json!({
        "name": name,
        "isImage": matches!(uri, ArtifactUri::Docker { .. }),
        "sha256": digest.digits(),
        "unarchive": unarchive,
        "read": access(*read),
        "execute": access(*execute),
    }))
}

fn access(access: Access) -> &'static str {
    match access {
        Access::None => "none",
        Access::Owner => "owner",
        Access::All => "all",
    }
}

/// The value with its members sorted, and `2.0` and `2` the same.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> =
                members.into_iter().map(|(key, value)| (key, canonical(value))).collect();
            sorted.into_iter().collect()
        }
        Value::Array(elements) => elements.into_iter().map(canonical).collect(),
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        other => other,
    }
}

/// A number in floating point that is whole, as an integer.
fn whole(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    let is_exact = float.fract() == 0.0 && float.abs() <= EXACT;
    is_exact.then(|| Number::from(float as i64))
}

#[cfg(test)]
mod tests;
