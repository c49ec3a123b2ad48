//! Which version of each component a deployment comes to: what its roots ask for, chosen from the
//! recipes that the device has.

use super::concrete::{PROVIDED, PROVIDED_VERSION};
use super::outcome::Problem;
use crate::component::library::Id;
use crate::store::Generation;
use gg_model::resolve::{Answer, Known, Question, Reason, ResolveError, Roots, resolve};
use gg_model::{ComponentName, ComponentVersion, Recipe};
use std::collections::BTreeMap;

/// The versions that satisfy everyone.
///
/// # Errors
/// There are none.
pub(super) fn choose(
    roots: &Roots,
    recipes: &[Recipe],
    current: &Generation,
) -> Result<Vec<Id>, Problem> {
    let provided = provided();
    let mut known: BTreeMap<ComponentName, Known> = BTreeMap::new();
    for recipe in recipes {
        let one = known.entry(recipe.name.clone()).or_default();
        one.add(recipe);
        // No others are to be had.
        one.exhausted = true;
        // Upper bounds on the nucleus stand for those that its publisher had tried by then, and say
        // nothing of this host.
        one.versions
            .values_mut()
            .for_each(|needs| needs.retain(|name, _| !provided.contains_key(name)));
    }
    let running =
        current.components.iter().map(|(name, stored)| (name.clone(), stored.version.clone()));
    let running = running.collect();
    loop {
        let question = Question { roots, known: &known, running: &running, provided: &provided };
        match resolve(&question).map_err(problem)? {
            Answer::Resolved(versions) => return Ok(versions.into_iter().collect()),
            Answer::Missing { component, .. } => {
                known.entry(component).or_default().exhausted = true;
            }
        }
    }
}

fn provided() -> BTreeMap<ComponentName, ComponentVersion> {
    let one = |name: &&str| Some((name.parse().ok()?, PROVIDED_VERSION.parse().ok()?));
    PROVIDED.iter().filter_map(one).collect()
}

fn problem(error: ResolveError) -> Problem {
    let code = match &error {
        ResolveError::Circular { .. } => "COMPONENT_CIRCULAR_DEPENDENCY_ERROR",
        ResolveError::Conflict { reasons, versions, .. } if !each_alone(reasons, versions) => {
            "NO_AVAILABLE_COMPONENT_VERSION"
        }
        _ => "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
    };
    let none = matches!(&error, ResolveError::Conflict { versions, .. } if versions.is_empty());
    let remedy = if none { "; give its recipe with --recipe-dir" } else { "" };
    Problem::new(code, format!("{error}{remedy}"))
}

/// Whether each requirement could be satisfied if there were no other.
fn each_alone(reasons: &[Reason], versions: &[ComponentVersion]) -> bool {
    let does =
        |reason: &Reason| versions.iter().any(|version| reason.want.requirement.matches(version));
    reasons.iter().all(does)
}
