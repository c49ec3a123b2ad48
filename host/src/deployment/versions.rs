//! Which version of each component a deployment comes to: what its roots ask for, chosen from the
//! recipes that the device has or is given.

use super::concrete::{PROVIDED, PROVIDED_VERSION};
use super::outcome::Problem;
use crate::component::library::Id;
use crate::store::Generation;
use gg_model::resolve::{Answer, Known, Question, Reason, ResolveError, Roots, Want, resolve};
use gg_model::{ComponentName, ComponentVersion, Recipe, VersionRequirement};
use std::collections::BTreeMap;

/// The search for versions that satisfy everyone.
pub(super) struct Choice<'a> {
    roots: &'a Roots,
    known: BTreeMap<ComponentName, Known>,
    /// The recipes on the device of components for which somebody else is asked first.
    here: BTreeMap<ComponentName, Vec<Recipe>>,
    asks_first: bool,
    running: BTreeMap<ComponentName, ComponentVersion>,
    provided: BTreeMap<ComponentName, ComponentVersion>,
}

/// How far it has come.
pub(super) enum Next {
    /// To its end.
    Chosen(Vec<Id>),
    /// A recipe is missing.
    Missing(ComponentName, Vec<Want>),
}

impl<'a> Choice<'a> {
    /// One among the recipes on the device; `asks_first`: which are not to be used before somebody else
    /// was asked for better ones.
    pub(super) fn new(
        roots: &'a Roots,
        recipes: Vec<Recipe>,
        current: &Generation,
        asks_first: bool,
    ) -> Self {
        let running =
            current.components.iter().map(|(name, stored)| (name.clone(), stored.version.clone()));
        let (running, provided) = (running.collect(), provided());
        let (known, here) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        let mut choice = Self { roots, known, here, asks_first, running, provided };
        for recipe in recipes {
            match asks_first {
                true => choice.here.entry(recipe.name.clone()).or_default().push(recipe),
                false => choice.add(&recipe),
            }
        }
        choice
    }

    /// One more recipe.
    pub(super) fn add(&mut self, recipe: &Recipe) {
        let one = self.known.entry(recipe.name.clone()).or_default();
        one.add(recipe);
        // Upper bounds on the nucleus stand for those that its publisher had tried by then, and say
        // nothing of this host.
        let provided = &self.provided;
        one.versions
            .values_mut()
            .for_each(|needs| needs.retain(|name, _| !provided.contains_key(name)));
    }

    /// Nobody has more recipes of a component than there are on the device.
    pub(super) fn exhaust(&mut self, component: &ComponentName) {
        for recipe in self.here.remove(component).unwrap_or_default() {
            self.add(&recipe);
        }
        self.known.entry(component.clone()).or_default().exhausted = true;
    }

    /// Whether it goes on if nobody can be asked for recipes of a component: if one on the device, which
    /// was held back, satisfies everyone who wants it now, or those on the device were looked at first.
    pub(super) fn goes_on_without(&self, component: &ComponentName, wants: &[Want]) -> bool {
        let mut here = self.here.get(component).into_iter().flatten();
        !self.asks_first || here.any(|recipe| satisfies(&recipe.version, wants))
    }

    /// Search, as far as what is known leads.
    ///
    /// # Errors
    /// There are no such versions.
    pub(super) fn next(&self) -> Result<Next, Problem> {
        let Self { roots, known, running, provided, .. } = self;
        let question = Question { roots, known, running, provided };
        Ok(match resolve(&question).map_err(problem)? {
            Answer::Resolved(versions) => Next::Chosen(versions.into_iter().collect()),
            Answer::Missing { component, wants } => Next::Missing(component, wants),
        })
    }
}

/// Whether a version will do for all of these.
pub(super) fn satisfies(version: &ComponentVersion, wants: &[Want]) -> bool {
    VersionRequirement::all_match(wants.iter().map(|want| &want.requirement), version)
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
