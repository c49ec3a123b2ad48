//! Who needs whom, given the versions chosen so far.

use super::error::Reason;
use super::{Dependent, Needs, Question, Want};
use crate::deployment::DeploymentGroup;
use crate::name::ComponentName;
use crate::version::{ComponentVersion, VersionRequirement};
use std::collections::BTreeMap;

/// The versions chosen so far. Some may no longer be needed.
pub(super) type Chosen<'a> = BTreeMap<&'a ComponentName, &'a ComponentVersion>;

/// All components that are needed, and by whom.
pub(super) struct Graph<'a> {
    /// In the order in which they are come upon from the roots, nearest first.
    pub(super) order: Vec<&'a ComponentName>,
    /// The requirements of each; the first is of whoever led to it.
    wants: BTreeMap<&'a ComponentName, Vec<Edge<'a>>>,
}

/// One requirement of a component.
#[derive(Clone, Copy)]
pub(super) struct Edge<'a> {
    pub(super) by: By<'a>,
    pub(super) requirement: &'a VersionRequirement,
}

#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Group(&'a DeploymentGroup),
    Component(&'a ComponentName, &'a ComponentVersion),
}

impl<'a> Graph<'a> {
    /// Walk from the roots over all that is chosen.
    pub(super) fn new(question: &Question<'a>, chosen: &Chosen<'a>) -> Self {
        let mut graph = Self { order: Vec::new(), wants: BTreeMap::new() };
        for (group, roots) in question.roots {
            for (name, requirement) in roots {
                graph.add(name, Edge { by: By::Group(group), requirement });
            }
        }
        let mut next = 0;
        while let Some(name) = graph.order.get(next).copied() {
            next += 1;
            if let Some(version) = chosen.get(name).copied() {
                let needs = needs(question, name, version).into_iter().flatten();
                // What needs itself is a circle, whatever version it asks for.
                for (needed, requirement) in needs.filter(|(needed, _)| *needed != name) {
                    graph.add(needed, Edge { by: By::Component(name, version), requirement });
                }
            }
        }
        graph
    }

    fn add(&mut self, name: &'a ComponentName, edge: Edge<'a>) {
        let edges = self.wants.entry(name).or_default();
        if edges.is_empty() {
            self.order.push(name);
        }
        edges.push(edge);
    }

    /// The requirements of a component.
    pub(super) fn wants(&self, name: &ComponentName) -> &[Edge<'a>] {
        self.wants.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many requirements there are.
    pub(super) fn size(&self) -> usize {
        self.wants.values().map(Vec::len).sum()
    }

    /// Whether a version satisfies all that is required of its component.
    pub(super) fn satisfies(&self, name: &ComponentName, version: &ComponentVersion) -> bool {
        let requirements = self.wants(name).iter().map(|edge| edge.requirement);
        VersionRequirement::all_match(requirements, version)
    }

    /// Whether the host's own version of a component satisfies those who need it; groups do not
    /// count.
    pub(super) fn is_content_with(&self, name: &ComponentName, version: &ComponentVersion) -> bool {
        self.discontent(name, version).next().is_none()
    }

    /// The requirements of components that the host's own version does not satisfy.
    pub(super) fn discontent(
        &self,
        name: &ComponentName,
        version: &ComponentVersion,
    ) -> impl Iterator<Item = Edge<'a>> {
        self.wants(name).iter().copied().filter(|edge| {
            matches!(edge.by, By::Component(..)) && !edge.requirement.matches(version)
        })
    }

    /// A requirement with the way from it to a group.
    pub(super) fn reason(&self, edge: Edge<'a>) -> Reason {
        let mut because = Vec::new();
        let mut by = edge.by;
        // Whoever led to a component was come upon before it, so this ends.
        while let By::Component(name, _) = by
            && let Some(first) = self.wants(name).first()
        {
            because.push((name.clone(), first.to_want()));
            by = first.by;
        }
        Reason { want: edge.to_want(), because }
    }
}

impl Edge<'_> {
    pub(super) fn to_want(self) -> Want {
        let by = match self.by {
            By::Group(group) => Dependent::Group(group.clone()),
            By::Component(name, version) => Dependent::Component(name.clone(), version.clone()),
        };
        Want { by, requirement: self.requirement.clone() }
    }
}

/// What a version of a component needs.
pub(super) fn needs<'a>(
    question: &Question<'a>,
    name: &ComponentName,
    version: &ComponentVersion,
) -> Option<&'a Needs> {
    question.known.get(name)?.versions.get(version)
}
