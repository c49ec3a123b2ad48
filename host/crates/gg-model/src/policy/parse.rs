//! Reading `accessControl`: service, then policy id, then description, operations and resources.

use super::resource::ResourcePattern;
use super::{AccessPolicy, MAX_RESOURCES, PolicyError, Rule};
use crate::shape::{Object, Path, ShapeError, Warning, list, text};
use crate::text::parser_reason;
use serde_json::Value;

/// Read the whole block.
pub(super) fn access_control(value: &Value) -> Result<AccessPolicy, PolicyError> {
    let root = Path::root("accessControl");
    match value {
        Value::String(json) => {
            let value: Value = serde_json::from_str(json).map_err(|error| PolicyError::Syntax {
                line: error.line(),
                column: error.column(),
                message: parser_reason(&error.to_string()),
            })?;
            services(&root, &value)
        }
        value => services(&root, value),
    }
}

fn services(root: &Path<'_>, value: &Value) -> Result<AccessPolicy, PolicyError> {
    let mut policy = AccessPolicy::default();
    let mut operations = 0_usize;
    for (service, policies) in members(root, value)? {
        let path = root.key(service);
        for (id, entry) in members(&path, policies)? {
            let rule = rule(&path.key(id), entry, &mut policy)?;
            operations = operations.saturating_add(rule.operations.len());
            if operations > MAX_RESOURCES {
                return Err(PolicyError::TooMany { what: "operations" });
            }
            if !rule.operations.is_empty() {
                policy.services.entry(service.clone()).or_default().push(rule);
            }
        }
    }
    Ok(policy)
}

/// The members of an object; none where it is null.
fn members<'v>(
    path: &Path<'_>,
    value: &'v Value,
) -> Result<impl Iterator<Item = (&'v String, &'v Value)>, ShapeError> {
    let map = match value {
        Value::Null => None,
        Value::Object(map) => Some(map),
        _ => return Err(ShapeError::expected(path, "an object", value)),
    };
    Ok(map.into_iter().flatten())
}

fn rule(path: &Path<'_>, value: &Value, policy: &mut AccessPolicy) -> Result<Rule, PolicyError> {
    let mut rule = Rule { operations: Vec::new(), resources: Vec::new() };
    if value.is_null() {
        return Ok(rule);
    }
    let mut object = Object::open(path, value)?;
    let _informational = object.text("policyDescription")?;
    let (operations, resources) = (object.take("operations"), object.take("resources"));
    object.refuse_unknown()?;

    let place = path.key("operations");
    for (index, operation) in elements(&place, operations)?.iter().enumerate() {
        rule.operations.push(text(&place.index(index), operation)?.into());
    }
    if rule.operations.is_empty() {
        let message = "names no operation, so the policy grants nothing";
        policy.warnings.push(Warning::new(&place, message));
    }
    let place = path.key("resources");
    for (index, resource) in elements(&place, resources)?.iter().enumerate() {
        policy.count(1)?;
        let place = place.index(index);
        match ResourcePattern::parse(text(&place, resource)?) {
            Ok(pattern) => rule.resources.push(pattern),
            Err(PolicyError::Resource { resource, reason }) => {
                let message = format_args!("the resource `{resource}` grants nothing: it {reason}");
                policy.warnings.push(Warning::new(&place, message));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rule)
}

fn elements<'v>(path: &Path<'_>, value: Option<&'v Value>) -> Result<&'v [Value], ShapeError> {
    value.map_or(Ok(&[]), |value| list(path, value))
}
