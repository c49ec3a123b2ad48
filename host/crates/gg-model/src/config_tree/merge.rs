//! Writing into the tree: the merge with its rule of times, and the filling in of defaults.

use super::node::{Branch, Node};
use super::{Changed, DEFAULTS_TIME};
use serde_json::{Map, Value};

/// Merge `value` at `path`; the empty path takes an object.
pub(super) fn merge(root: &mut Branch, path: &[&str], value: &Value, at: i64) -> Changed {
    let mut changed = Changed::default();
    let mut trail = Vec::new();
    match (path, value) {
        ([], Value::Object(map)) => merge_all(root, map, at, &mut trail, &mut changed),
        ([], _) => {}
        (path, value) => merge_at(root, path, value, at, &mut trail, &mut changed),
    }
    let newest = match path {
        [] => root.newest(),
        path => match root.find(path) {
            Some(node) => node.newest(),
            // A newer leaf stands where a container would have to be.
            None => Some(i64::MAX),
        },
    };
    changed.stale = newest.is_some_and(|newest| newest > at);
    changed
}

/// Go down one key of the path, making containers.
fn merge_at(
    branch: &mut Branch,
    path: &[&str],
    value: &Value,
    at: i64,
    trail: &mut Vec<String>,
    changed: &mut Changed,
) {
    let [key, rest @ ..] = path else { return };
    let Some(entry) = branch.entry_mut(key) else {
        let mut node = Node::new(value, at);
        for key in rest.iter().rev() {
            let mut above = Branch::default();
            above.insert(key, node);
            node = Node::Branch(above);
        }
        trail.push((*key).into());
        node.paths(trail, &mut changed.paths);
        trail.pop();
        branch.insert(key, node);
        return;
    };
    trail.push(entry.key.clone());
    match (&mut entry.node, rest) {
        (node, []) => overlay(node, value, at, trail, changed),
        (Node::Branch(branch), rest) => merge_at(branch, rest, value, at, trail, changed),
        (Node::Leaf { at: written, .. }, _) if *written > at => {}
        (node, rest) => {
            changed.paths.push(trail.clone());
            let mut branch = Branch::default();
            merge_at(&mut branch, rest, value, at, trail, changed);
            *node = Node::Branch(branch);
        }
    }
    trail.pop();
}

/// Merge every member of an object.
fn merge_all(
    branch: &mut Branch,
    map: &Map<String, Value>,
    at: i64,
    trail: &mut Vec<String>,
    changed: &mut Changed,
) {
    for (key, value) in map {
        merge_at(branch, &[key.as_str()], value, at, trail, changed);
    }
}

/// Merge a value into the node that is there.
fn overlay(
    node: &mut Node,
    value: &Value,
    at: i64,
    trail: &mut Vec<String>,
    changed: &mut Changed,
) {
    if let (Node::Branch(branch), Value::Object(map)) = (&mut *node, value) {
        return merge_all(branch, map, at, trail, changed);
    }
    if node.newest().is_some_and(|written| written > at) {
        return;
    }
    if let Node::Leaf { value: stored, at: written } = node
        && stored == value
    {
        if *written < at {
            *written = at;
            changed.touched.push(trail.clone());
        }
        return;
    }
    node.paths(trail, &mut changed.paths);
    let replaced_leaf = matches!(node, Node::Leaf { .. });
    *node = Node::new(value, at);
    match node {
        // One leaf for another: its path is reported once.
        Node::Leaf { .. } if replaced_leaf => {}
        node => node.paths(trail, &mut changed.paths),
    }
}

/// The same without a report.
pub(super) fn overlay_quietly(node: &mut Node, value: &Value, at: i64) {
    overlay(node, value, at, &mut Vec::new(), &mut Changed::default());
}

/// Write the members of an object that have no entry yet.
pub(super) fn fill(
    branch: &mut Branch,
    defaults: &Map<String, Value>,
    trail: &mut Vec<String>,
    changed: &mut Changed,
) {
    for (key, value) in defaults {
        match branch.entry_mut(key) {
            Some(entry) => {
                if let (Node::Branch(branch), Value::Object(defaults)) = (&mut entry.node, value) {
                    trail.push(entry.key.clone());
                    fill(branch, defaults, trail, changed);
                    trail.pop();
                }
            }
            None => merge_at(branch, &[key.as_str()], value, DEFAULTS_TIME, trail, changed),
        }
    }
}
