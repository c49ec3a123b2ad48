//! The choice of versions.

use super::circle::circle;
use super::error::{Reason, ResolveError};
use super::graph::{By, Chosen, Edge, Graph};
use super::{Answer, MAX_COMPONENTS, Question};
use crate::name::ComponentName;
use crate::version::ComponentVersion;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most requirements that are looked at.
const MOST_WORK: usize = 5_000_000;

/// Versions that are not to be chosen.
type Excluded<'a> = BTreeMap<&'a ComponentName, BTreeSet<&'a ComponentVersion>>;

pub(super) struct Search<'a> {
    question: &'a Question<'a>,
    /// Versions that led to nothing.
    excluded: Excluded<'a>,
    work: usize,
}

/// How one attempt ends if not with an error.
enum Attempt<'a> {
    Done(BTreeMap<ComponentName, ComponentVersion>),
    /// Nothing is left to choose for a component.
    Stuck {
        component: &'a ComponentName,
        graph: Graph<'a>,
    },
}

impl<'a> Search<'a> {
    pub(super) fn new(question: &'a Question<'a>) -> Self {
        Self { question, excluded: Excluded::new(), work: 0 }
    }

    /// Every attempt but the last excludes a version, so this ends.
    pub(super) fn run(mut self) -> Result<Answer, ResolveError> {
        let mut first_error = None;
        loop {
            let (component, graph) = match self.attempt()? {
                Attempt::Done(components) => return Ok(Answer::Resolved(components)),
                Attempt::Stuck { component, graph } => (component, graph),
            };
            if self.may_be_had(component, &graph) {
                let wants = graph.wants(component).iter().map(|edge| edge.to_want()).collect();
                return Ok(Answer::Missing { component: component.clone(), wants });
            }
            let error = first_error.get_or_insert_with(|| self.error(component, &graph));
            match self.other_choice(component, &graph) {
                Some((name, version)) => self.excluded.entry(name).or_default().insert(version),
                None => return Err(error.clone()),
            };
        }
    }

    /// Choose version after version until everyone is satisfied. A choice that is made anew is not
    /// made again, so this ends.
    fn attempt(&mut self) -> Result<Attempt<'a>, ResolveError> {
        let mut chosen = Chosen::new();
        let mut rejected = self.excluded.clone();
        loop {
            let graph = Graph::new(self.question, &chosen);
            let settled = |name: &&ComponentName| self.is_settled(name, &chosen, &graph);
            let Some(component) = graph.order.iter().copied().find(|name| !settled(name)) else {
                return self.finish(&chosen, &graph).map(Attempt::Done);
            };
            self.work = self.work.saturating_add(graph.size());
            if graph.order.len() > MAX_COMPONENTS {
                return Err(ResolveError::TooMany);
            }
            if self.work > MOST_WORK {
                return Err(ResolveError::TooHard { component: component.clone() });
            }
            if let Some(version) = chosen.remove(component) {
                rejected.entry(component).or_default().insert(version);
            }
            match self.best(component, &graph, &rejected) {
                Some(version) => chosen.insert(component, version),
                None => return Ok(Attempt::Stuck { component, graph }),
            };
        }
    }

    fn is_settled(&self, name: &ComponentName, chosen: &Chosen<'_>, graph: &Graph<'_>) -> bool {
        match self.question.provided.get(name) {
            Some(version) => graph.is_content_with(name, version),
            None => chosen.get(name).is_some_and(|version| graph.satisfies(name, version)),
        }
    }

    /// Whether a recipe that is not at hand may help.
    fn may_be_had(&self, name: &ComponentName, graph: &Graph<'_>) -> bool {
        let known = self.question.known.get(name);
        !self.question.provided.contains_key(name)
            && known.is_none_or(|known| {
                let at_hand = known.versions.keys().any(|version| graph.satisfies(name, version));
                !known.exhausted && !at_hand
            })
    }

    /// The running version if it will do, or else the highest that will; none of what the host stands
    /// in for.
    fn best(
        &self,
        name: &ComponentName,
        graph: &Graph<'_>,
        rejected: &Excluded<'_>,
    ) -> Option<&'a ComponentVersion> {
        let rejected = rejected.get(name);
        let will_do = |version: &&ComponentVersion| {
            !rejected.is_some_and(|rejected| rejected.contains(version))
                && graph.satisfies(name, version)
        };
        if self.question.provided.contains_key(name) {
            return None;
        }
        let versions = &self.question.known.get(name)?.versions;
        let running = self.question.running.get(name);
        let running = running.and_then(|running| versions.get_key_value(running));
        running
            .map(|(version, _)| version)
            .filter(will_do)
            .or_else(|| versions.keys().rev().find(will_do))
    }

    /// What was chosen and is still needed, if it can be started in some order.
    fn finish(
        &self,
        chosen: &Chosen<'a>,
        graph: &Graph<'a>,
    ) -> Result<BTreeMap<ComponentName, ComponentVersion>, ResolveError> {
        if let Some(circle) = circle(self.question, chosen, &graph.order) {
            return Err(ResolveError::Circular { circle });
        }
        let versions = graph.order.iter().filter_map(|name| chosen.get_key_value(name));
        Ok(versions.map(|(name, version)| ((*name).clone(), (*version).clone())).collect())
    }

    fn error(&self, component: &ComponentName, graph: &Graph<'a>) -> ResolveError {
        let reasons = |edges: &mut dyn Iterator<Item = Edge<'a>>| -> Vec<Reason> {
            edges.map(|edge| graph.reason(edge)).collect()
        };
        let name = component.clone();
        if let Some(version) = self.question.provided.get(component) {
            let reasons = reasons(&mut graph.discontent(component, version));
            return ResolveError::Provided { component: name, version: version.clone(), reasons };
        }
        let known = self.question.known.get(component).into_iter();
        let versions: Vec<_> = known.flat_map(|known| known.versions.keys().cloned()).collect();
        // Something will do now that was given up when something else was chosen.
        if versions.iter().any(|version| graph.satisfies(component, version)) {
            return ResolveError::TooHard { component: name };
        }
        let reasons = reasons(&mut graph.wants(component).iter().copied());
        ResolveError::Conflict { component: name, reasons, versions }
    }

    /// The nearest of those that led to a component that could be had in another version, and the
    /// version that it has.
    fn other_choice(
        &self,
        component: &'a ComponentName,
        graph: &Graph<'a>,
    ) -> Option<(&'a ComponentName, &'a ComponentVersion)> {
        let mut open = VecDeque::from([component]);
        let mut seen = BTreeSet::from([component]);
        while let Some(name) = open.pop_front() {
            for Edge { by, .. } in graph.wants(name).iter().rev() {
                let By::Component(dependent, version) = *by else { continue };
                if !seen.insert(dependent) {
                    continue;
                }
                let mut without = self.excluded.clone();
                without.entry(dependent).or_default().insert(version);
                if self.best(dependent, graph, &without).is_some() {
                    return Some((dependent, version));
                }
                open.push_back(dependent);
            }
        }
        None
    }
}
