//! PURE: the order in which components start: each after those it depends on, and of those that
//! could start together first the ones that wait for messages, so that they miss none.

use gg_model::ComponentName;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// What the order depends on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Components that must be there first. Ones that are not started here do not count.
    pub dependencies: Vec<ComponentName>,
    /// It is called with messages.
    pub waits_for_messages: bool,
    /// Its place in the request.
    pub place: usize,
}

/// Components that depend on each other in a circle.
#[derive(Debug, Eq, Error, PartialEq)]
#[error("components depend on each other in a circle: {}", .0.join(" -> "))]
pub struct Circle(pub Vec<String>);

/// The waves to start in: each when the one before is up, those within one together, so that a
/// component that is slow to come up holds back only those that need it.
///
/// # Errors
/// A circle of dependencies.
pub fn start_order(
    needs: &BTreeMap<ComponentName, Needs>,
) -> Result<Vec<Vec<ComponentName>>, Circle> {
    let mut waves = Vec::new();
    let mut done = BTreeSet::new();
    while done.len() < needs.len() {
        let ready = |needed: &Needs| {
            needed.dependencies.iter().all(|name| done.contains(name) || !needs.contains_key(name))
        };
        let mut wave: Vec<(&ComponentName, &Needs)> =
            needs.iter().filter(|(name, needed)| !done.contains(*name) && ready(needed)).collect();
        if wave.is_empty() {
            let left = needs.keys().filter(|name| !done.contains(*name));
            return Err(Circle(left.map(ToString::to_string).collect()));
        }
        if wave.iter().any(|(_, needed)| needed.waits_for_messages) {
            wave.retain(|(_, needed)| needed.waits_for_messages);
        }
        wave.sort_by_key(|(_, needed)| needed.place);
        let wave: Vec<ComponentName> = wave.into_iter().map(|(name, _)| name.clone()).collect();
        done.extend(wave.iter().cloned());
        waves.push(wave);
    }
    Ok(waves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(rows: &[(&str, &[&str], bool)]) -> BTreeMap<ComponentName, Needs> {
        let name = |text: &str| text.parse::<ComponentName>().unwrap();
        rows.iter()
            .enumerate()
            .map(|(place, (component, dependencies, waits))| {
                let dependencies = dependencies.iter().map(|text| name(text)).collect();
                (name(component), Needs { dependencies, waits_for_messages: *waits, place })
            })
            .collect()
    }

    fn order(rows: &[(&str, &[&str], bool)]) -> Vec<String> {
        let names =
            |wave: &Vec<ComponentName>| wave.iter().map(ToString::to_string).collect::<Vec<_>>();
        start_order(&needs(rows)).unwrap().iter().map(|wave| names(wave).join(" ")).collect()
    }

    #[test]
    fn dependencies_come_first() {
        assert_eq!(
            order(&[("a", &["b"], false), ("b", &["c"], false), ("c", &[], false)]),
            ["c", "b", "a"]
        );
    }

    #[test]
    fn what_needs_nothing_starts_together_in_the_order_of_the_request() {
        assert_eq!(
            order(&[("z", &[], false), ("a", &[], false), ("b", &["z"], false)]),
            ["z a", "b"]
        );
    }

    #[test]
    fn handlers_start_before_services() {
        let rows: &[(&str, &[&str], bool)] =
            &[("sensor", &[], false), ("filter", &[], true), ("other", &[], true)];
        assert_eq!(order(rows), ["filter other", "sensor"]);
    }

    #[test]
    fn a_dependency_that_is_not_started_here_does_not_count() {
        assert_eq!(order(&[("a", &["elsewhere"], false)]), ["a"]);
    }

    #[test]
    fn a_circle_is_named() {
        let circle =
            start_order(&needs(&[("a", &["b"], false), ("b", &["a"], false)])).unwrap_err();
        assert_eq!(circle.to_string(), "components depend on each other in a circle: a -> b");
    }
}
