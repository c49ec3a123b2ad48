//! Components that need each other.

use super::Question;
use super::graph::{Chosen, needs};
use crate::name::ComponentName;
use std::collections::BTreeSet;

/// The components of a circle, each needing the next, if there is one.
pub(super) fn circle<'a>(
    question: &Question<'a>,
    chosen: &Chosen<'a>,
    components: &[&'a ComponentName],
) -> Option<Vec<ComponentName>> {
    let needed = |name: &ComponentName| -> Vec<&'a ComponentName> {
        let needs = chosen.get(name).and_then(|version| needs(question, name, version));
        needs.into_iter().flat_map(|needs| needs.keys()).collect()
    };
    let mut done = BTreeSet::new();
    for start in components {
        // The way down from the start, each with those of its needs that are still to be looked at.
        let mut way = vec![(*start, needed(start))];
        while let Some((name, open)) = way.last_mut() {
            let Some(next) = open.pop() else {
                done.insert(*name);
                way.pop();
                continue;
            };
            if done.contains(next) {
                continue;
            }
            if let Some(begin) = way.iter().position(|(name, _)| *name == next) {
                return Some(way[begin..].iter().map(|(name, _)| (*name).clone()).collect());
            }
            way.push((next, needed(next)));
        }
    }
    None
}
