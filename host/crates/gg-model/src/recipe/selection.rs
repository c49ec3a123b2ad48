//! The global lifecycle: its levels may be keyed by selections, of which each manifest picks its
//! own.

use crate::shape::{Path, Warnings};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The selection that every manifest falls back to.
pub(super) const ALL: &str = "all";

/// What `selections`, tried in order and then `all`, pick of a value. A map with a key that is a
/// selection of any manifest gives way to the member that is picked; its other keys are dropped
/// with a warning. Other maps are kept and searched further down, and what comes to nothing there
/// is left out. `all_selections` is in lower case.
pub(super) fn pick(
    path: &Path<'_>,
    value: &Value,
    selections: &[String],
    all_selections: &BTreeSet<String>,
    warnings: &mut Warnings,
) -> Option<Value> {
    let Value::Object(map) = value else { return Some(value.clone()) };
    let is_selection =
        |key: &str| key.eq_ignore_ascii_case(ALL) || all_selections.contains(&key.to_lowercase());
    if !map.keys().any(|key| is_selection(key)) {
        let picked = map.iter().filter_map(|(key, value)| {
            let value = pick(&path.key(key), value, selections, all_selections, warnings)?;
            Some((key.clone(), value))
        });
        let picked: Map<String, Value> = picked.collect();
        return (!picked.is_empty() || map.is_empty()).then_some(Value::Object(picked));
    }
    for key in map.keys().filter(|key| !is_selection(key)) {
        let message = "stands beside selections and has no effect; move it below one of them";
        warnings.add(&path.key(key), message);
    }
    let mut order = selections.iter().map(String::as_str).chain([ALL]);
    let (key, value) = order.find_map(|selection| {
        map.iter().find(|(key, _)| key.to_lowercase() == selection.to_lowercase())
    })?;
    pick(&path.key(key), value, selections, all_selections, warnings)
}
