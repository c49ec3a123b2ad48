//! Taking a part out of the tree.

use super::Changed;
use super::node::{Branch, Node};

/// Take out what `path` leads to; the empty path takes out all. Containers above it stay.
pub(super) fn reset(root: &mut Branch, path: &[String]) -> Changed {
    let mut changed = Changed::default();
    let mut trail = Vec::new();
    if path.is_empty() {
        root.paths(&mut trail, &mut changed.paths);
        *root = Branch::default();
    } else {
        remove(root, path, &mut trail, &mut changed);
    }
    changed
}

fn remove(branch: &mut Branch, path: &[String], trail: &mut Vec<String>, changed: &mut Changed) {
    match path {
        [] => {}
        [key] => {
            if let Some(entry) = branch.remove(key) {
                trail.push(entry.key);
                entry.node.paths(trail, &mut changed.paths);
            }
        }
        [key, rest @ ..] => {
            if let Some(entry) = branch.entry_mut(key)
                && let Node::Branch(branch) = &mut entry.node
            {
                trail.push(entry.key.clone());
                remove(branch, rest, trail, changed);
            }
        }
    }
}
