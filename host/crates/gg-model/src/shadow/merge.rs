//! How a change is merged into a section, and into what is said about its leaves.

use super::Section;
use serde_json::{Value, json};

/// Merge a change: objects by member, anything else in place of what was there, null takes away.
/// What is said about the leaves follows. An object in which nothing is left stays, as in AWS IoT;
/// one of nulls alone, where there was nothing, is not made.
pub(super) fn merge(state: &mut Section, metadata: &mut Section, change: &Section, at: u64) {
    for (key, value) in change {
        match value {
            Value::Null => remove(state, metadata, key),
            Value::Object(change) => {
                let (mut inner, mut about) = match state.get(key) {
                    Some(Value::Object(_)) => (members(state, key), members(metadata, key)),
                    _ => (Section::new(), Section::new()),
                };
                merge(&mut inner, &mut about, change, at);
                if state.contains_key(key) || change.is_empty() || !inner.is_empty() {
                    state.insert(key.clone(), inner.into());
                    metadata.insert(key.clone(), about.into());
                }
            }
            value => {
                state.insert(key.clone(), value.clone());
                metadata.insert(key.clone(), stamped(value, at));
            }
        }
    }
}

/// The members of an object in a section, taken out; none if it is no object.
fn members(section: &mut Section, key: &str) -> Section {
    match section.get_mut(key) {
        Some(Value::Object(members)) => std::mem::take(members),
        _ => Section::new(),
    }
}

fn remove(state: &mut Section, metadata: &mut Section, key: &str) {
    state.remove(key);
    metadata.remove(key);
}

/// What is said about each leaf of a value: when it was set, in seconds since the Unix epoch. Lists
/// are replaced as a whole, and yet each element has its time.
pub(super) fn stamped(value: &Value, at: u64) -> Value {
    match value {
        Value::Array(elements) => {
            elements.iter().map(|element| stamped(element, at)).collect::<Vec<_>>().into()
        }
        Value::Object(members) => stamped_section(members, at).into(),
        _ => json!({ "timestamp": at }),
    }
}

/// The same of a section.
pub(super) fn stamped_section(section: &Section, at: u64) -> Section {
    section.iter().map(|(key, value)| (key.clone(), stamped(value, at))).collect()
}
