//! Which versions a device is to have: the exact version of every component that somebody asked
//! for, and of all that those need.

use crate::name::ComponentName;
use crate::version::{ComponentVersion, VersionRequirement};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// A version that could be chosen, and what it needs.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The version.
    pub version: ComponentVersion,
    /// What it needs, and which versions will do.
    pub needs: BTreeMap<ComponentName, VersionRequirement>,
}

/// What is asked for and what there is.
#[derive(Debug, Default)]
pub struct Request {
    /// By whom (a target of deployments), which components, and which versions will do.
    pub roots: BTreeMap<String, BTreeMap<ComponentName, VersionRequirement>>,
    /// The versions that there are.
    pub candidates: BTreeMap<ComponentName, Vec<Candidate>>,
    /// The versions that run; they are preferred.
    pub running: BTreeMap<ComponentName, ComponentVersion>,
    /// Components that the host itself stands for, whatever version is asked for.
    pub provided: BTreeSet<ComponentName>,
}

/// Why there is no such set of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Components need each other in a circle.
    #[error("components depend on each other in a circle: {}", .circle.join(" -> "))]
    Circle {
        /// The names, the first again at the end.
        circle: Vec<String>,
    },
    /// There are versions, and none of them is in all the ranges.
    #[error("no version of {component} suits everybody who asks for it:{}", listed(.wanted))]
    Conflict {
        /// Which component.
        component: ComponentName,
        /// Who asks for what.
        wanted: Vec<Wanted>,
        /// The versions that there are.
        there: Vec<ComponentVersion>,
    },
    /// There is no version that would do.
    #[error(
        "{component} is not here in a version that would do{}:{}; put its recipe into the folder given with --recipe-dir",
        there_are(.there), listed(.wanted)
    )]
    Missing {
        /// Which component.
        component: ComponentName,
        /// Who asks for what.
        wanted: Vec<Wanted>,
        /// The versions that there are.
        there: Vec<ComponentVersion>,
    },
    /// One choice overturns another without end.
    #[error(
        "the versions do not settle: each choice of {component} overturns another; ask for exact versions"
    )]
    Unsettled {
        /// A component whose version changes.
        component: ComponentName,
    },
}

/// Somebody who asks for a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// A target of deployments, or a component with its version and why it is here: `com.b 1.0.0,
    /// which thinggroup/x asks for`.
    pub by: String,
    /// Which versions will do.
    pub requirement: VersionRequirement,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is asked for by {}", self.requirement, self.by)
    }
}

fn listed(wanted: &[Wanted]) -> String {
    wanted.iter().map(|one| format!("\n  {one}")).collect()
}

fn there_are(versions: &[ComponentVersion]) -> String {
    match versions {
        [] => String::new(),
        versions => {
            let names: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!(" (there is {})", names.join(", "))
        }
    }
}

/// Most rounds before the choice counts as unsettled.
const MOST_ROUNDS: usize = 100;

type Chosen<'r> = BTreeMap<&'r ComponentName, &'r Candidate>;
type Demands<'r> = BTreeMap<&'r ComponentName, Vec<Demand<'r>>>;

struct Demand<'r> {
    /// The component that asks; a root's target when `None`.
    component: Option<&'r ComponentName>,
    target: &'r str,
    requirement: &'r VersionRequirement,
}

/// The exact versions of all that is asked for and of all that is needed for it. Of the versions
/// that would do, the one that runs is taken, else the highest.
///
/// # Errors
/// There is no such set.
pub fn resolve(
    request: &Request,
) -> Result<BTreeMap<ComponentName, ComponentVersion>, ResolveError> {
    let mut chosen = Chosen::new();
    for _ in 0..MOST_ROUNDS {
        let demands = demands(request, &chosen);
        let mut next = Chosen::new();
        for (name, wanted) in &demands {
            next.insert(name, choose(request, &chosen, name, wanted, &demands)?);
        }
        let same = next.len() == chosen.len()
            && next.iter().all(|(name, one)| {
                chosen.get(name).is_some_and(|other| other.version == one.version)
            });
        chosen = next;
        if same {
            circle(&chosen)?;
            let exact =
                |(name, one): (&ComponentName, &Candidate)| (name.clone(), one.version.clone());
            return Ok(chosen.into_iter().map(exact).collect());
        }
    }
    let component = chosen.keys().next().map(|name| (*name).clone());
    Err(match component {
        Some(component) => ResolveError::Unsettled { component },
        None => ResolveError::Circle { circle: Vec::new() },
    })
}

/// Who asks for what, as long as these are the versions.
fn demands<'r>(request: &'r Request, chosen: &Chosen<'r>) -> Demands<'r> {
    let mut demands = Demands::new();
    let mut queue = VecDeque::new();
    let mut seen = BTreeSet::new();
    for (target, components) in &request.roots {
        for (name, requirement) in components {
            demands.entry(name).or_default().push(Demand { component: None, target, requirement });
            queue.push_back(name);
        }
    }
    while let Some(name) = queue.pop_front() {
        let Some(candidate) = chosen.get(name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        for (needed, requirement) in &candidate.needs {
            if request.provided.contains(needed) {
                continue;
            }
            let demand = Demand { component: Some(name), target: "", requirement };
            demands.entry(needed).or_default().push(demand);
            queue.push_back(needed);
        }
    }
    demands
}

fn choose<'r>(
    request: &'r Request,
    chosen: &Chosen<'r>,
    name: &'r ComponentName,
    wanted: &[Demand<'r>],
    demands: &Demands<'r>,
) -> Result<&'r Candidate, ResolveError> {
    let candidates = request.candidates.get(name).map(Vec::as_slice).unwrap_or_default();
    let does = |candidate: &&Candidate| {
        wanted.iter().all(|demand| demand.requirement.matches(&candidate.version))
    };
    let running = request.running.get(name);
    let runs = |candidate: &&Candidate| running == Some(&candidate.version);
    let suitable = || candidates.iter().filter(does);
    if let Some(found) = suitable().find(runs).or_else(|| suitable().max_by_key(|one| &one.version))
    {
        return Ok(found);
    }
    let each = wanted.iter().all(|demand| {
        candidates.iter().any(|candidate| demand.requirement.matches(&candidate.version))
    });
    let explained = |demand: &Demand<'_>| Wanted {
        by: explain(demand, chosen, demands),
        requirement: demand.requirement.clone(),
    };
    let (component, wanted) = (name.clone(), wanted.iter().map(explained).collect());
    let there = candidates.iter().map(|candidate| candidate.version.clone()).collect();
    Err(match each && !candidates.is_empty() {
        true => ResolveError::Conflict { component, wanted, there },
        false => ResolveError::Missing { component, wanted, there },
    })
}

/// The chain from who asks to the target that began it.
fn explain(demand: &Demand<'_>, chosen: &Chosen<'_>, demands: &Demands<'_>) -> String {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    let mut demand = demand;
    loop {
        let Some(name) = demand.component else {
            text.push_str(demand.target);
            return text;
        };
        let version = chosen.get(name).map(|one| format!(" {}", one.version)).unwrap_or_default();
        text.push_str(&format!("{name}{version}"));
        let Some(before) = demands.get(name).and_then(|all| all.first()) else { return text };
        if !seen.insert(name) {
            return text;
        }
        text.push_str(", which is asked for by ");
        demand = before;
    }
}

/// Components that need each other are an error, since none could be the first.
fn circle(chosen: &Chosen<'_>) -> Result<(), ResolveError> {
    let mut left: BTreeSet<&ComponentName> = chosen.keys().copied().collect();
    loop {
        let free = |name: &&ComponentName| {
            chosen.get(name).is_none_or(|one| one.needs.keys().all(|other| !left.contains(other)))
        };
        let done: Vec<&ComponentName> = left.iter().copied().filter(free).collect();
        if done.is_empty() {
            break;
        }
        done.iter().for_each(|name| {
            left.remove(name);
        });
    }
    let Some(first) = left.first().copied() else { return Ok(()) };
    // Each that is left needs another that is left: following them comes back somewhere.
    let mut way = vec![first];
    while let Some(next) = way
        .last()
        .and_then(|name| chosen.get(name)?.needs.keys().find(|other| left.contains(other)))
    {
        if let Some(begin) = way.iter().position(|name| *name == next) {
            let names = way[begin..].iter().chain([&next]).map(ToString::to_string);
            return Err(ResolveError::Circle { circle: names.collect() });
        }
        way.push(next);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
