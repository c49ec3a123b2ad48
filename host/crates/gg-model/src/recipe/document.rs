//! Recipes as values that something is added to: as their author wrote them, but for that and the
//! names of their properties.

use serde_json::{Map, Value};

/// Names of properties as the recipe reference has them, and those of what is in them. They are matched
/// without regard to case, since authors write them so and some devices do not read them so.
struct Shape(&'static [(&'static str, Option<&'static Self>)]);

const ROOT: Shape = Shape(&[
    ("RecipeFormatVersion", None),
    ("ComponentName", None),
    ("ComponentVersion", None),
    ("ComponentType", None),
    ("ComponentDescription", None),
    ("ComponentPublisher", None),
    ("ComponentSource", None),
    ("ComponentConfiguration", Some(&Shape(&[("DefaultConfiguration", None)]))),
    ("ComponentDependencies", None),
    ("Lifecycle", None),
    ("Manifests", Some(&MANIFEST)),
]);

const MANIFEST: Shape = Shape(&[
    ("Name", None),
    ("Platform", None),
    ("Lifecycle", None),
    ("Selections", None),
    ("Artifacts", Some(&ARTIFACT)),
]);

/// Nucleus lite reads no other `Uri`.
const ARTIFACT: Shape = Shape(&[
    ("Uri", None),
    ("Unarchive", None),
    ("Permission", Some(&Shape(&[("Read", None), ("Execute", None)]))),
    ("Digest", None),
    ("Algorithm", None),
]);

/// The recipe with the names of its properties as the reference has them.
pub fn even(recipe: Value) -> Value {
    within(recipe, &ROOT)
}

fn within(value: Value, shape: &Shape) -> Value {
    match value {
        Value::Array(elements) => {
            elements.into_iter().map(|element| within(element, shape)).collect()
        }
        Value::Object(members) => members.into_iter().map(|member| named(member, shape)).collect(),
        other => other,
    }
}

fn named((name, value): (String, Value), shape: &Shape) -> (String, Value) {
    let known = shape.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
    match known {
        Some((known, Some(inner))) => ((*known).to_owned(), within(value, inner)),
        Some((known, None)) => ((*known).to_owned(), value),
        None => (name, value),
    }
}

/// The artifacts of an evened recipe.
pub fn artifacts(recipe: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let manifests = recipe.get_mut("Manifests").and_then(Value::as_array_mut);
    manifests
        .into_iter()
        .flatten()
        .filter_map(|manifest| manifest.get_mut("Artifacts")?.as_array_mut())
        .flatten()
        .filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_evened_out_where_the_reference_has_them() {
        let recipe = json!({
            "componentname": "a",
            "ComponentConfiguration": { "defaultConfiguration": { "uri": 1 } },
            "Manifests": [{
                "platform": { "os": "linux" },
                "lifecycle": { "run": "x" },
                "artifacts": [{ "URI": "s3://b/k", "permission": { "read": "ALL" } }],
            }],
        });
        let mut wanted = json!({
            "ComponentName": "a",
            "ComponentConfiguration": { "DefaultConfiguration": { "uri": 1 } },
            "Manifests": [{
                "Platform": { "os": "linux" },
                "Lifecycle": { "run": "x" },
                "Artifacts": [{ "Uri": "s3://b/k", "Permission": { "Read": "ALL" } }],
            }],
        });
        let mut even = even(recipe);
        assert_eq!(even, wanted);
        assert!(artifacts(&mut even).eq(artifacts(&mut wanted)));
        assert_eq!(artifacts(&mut even).count(), 1);
        assert_eq!(artifacts(&mut json!({ "Manifests": null })).count(), 0);
    }
}
