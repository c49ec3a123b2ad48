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

/// The order to start in.
///
/// # Errors
/// A circle of dependencies.
pub fn start_order(needs: &BTreeMap<ComponentName, Needs>) -> Result<Vec<ComponentName>, Circle> {
    let mut order = Vec::with_capacity(needs.len());
    let mut done = BTreeSet::new();
    while order.len() < needs.len() {
        let ready = |needed: &Needs| {
            needed.dependencies.iter().all(|name| done.contains(name) || !needs.contains_key(name))
        };
        let next = needs
            .iter()
            .filter(|(name, needed)| !done.contains(*name) && ready(needed))
            .min_by_key(|(_, needed)| (!needed.waits_for_messages, needed.place));
        let Some((name, _)) = next else {
            let left = needs.keys().filter(|name| !done.contains(*name));
            return Err(Circle(left.map(ToString::to_string).collect()));
        };
        done.insert(name.clone());
        order.push(name.clone());
    }
    Ok(order)
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
        start_order(&needs(rows)).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn dependencies_come_first() {
        assert_eq!(
            order(&[("a", &["b"], false), ("b", &["c"], false), ("c", &[], false)]),
            ["c", "b", "a"]
        );
    }

    #[test]
    fn the_order_of_the_request_holds_otherwise() {
        assert_eq!(order(&[("z", &[], false), ("a", &[], false)]), ["z", "a"]);
    }

    #[test]
    fn handlers_start_before_services() {
        assert_eq!(order(&[("sensor", &[], false), ("filter", &[], true)]), ["filter", "sensor"]);
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
