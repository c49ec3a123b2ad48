//! Policies and their versions.

use super::tags::Tag;
use super::{done, each, flag, page, paging};
use crate::registry::policies::{self, Policy, Version};
use crate::registry::{Refusal, Registry, tags};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const POLICY: &str = "/policies/{policyName}";
const VERSIONS: &str = "/policies/{policyName}/version";
const VERSION: &str = "/policies/{policyName}/version/{policyVersionId}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, POLICY, "CreatePolicy", create),
    Operation::new(Method::GET, POLICY, "GetPolicy", describe),
    Operation::new(Method::DELETE, POLICY, "DeletePolicy", delete),
    Operation::new(Method::GET, "/policies", "ListPolicies", list),
    Operation::new(Method::POST, VERSIONS, "CreatePolicyVersion", add_version),
    Operation::new(Method::GET, VERSIONS, "ListPolicyVersions", versions),
    Operation::new(Method::GET, VERSION, "GetPolicyVersion", describe_version),
    Operation::new(Method::PATCH, VERSION, "SetDefaultPolicyVersion", set_default),
    Operation::new(Method::DELETE, VERSION, "DeletePolicyVersion", delete_version),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    policy_document: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn name(call: &Call) -> &str {
    call.part("policyName")
}

fn number(call: &Call) -> Result<u64, Refusal> {
    let number = call.part("policyVersionId").parse();
    number.map_err(|_| Refusal::invalid("a version of a policy is a number"))
}

/// A policy with one of its versions.
fn show(registry: &Registry, policy: &Policy, version: Version) -> Value {
    json!({
        "policyName": policy.name,
        "policyArn": policies::arn(&registry.place, &policy.name),
        "policyDocument": version.text,
        "policyVersionId": version.number.to_string(),
        "isDefaultVersion": version.number == policy.default,
        "creationDate": version.created.fractional_seconds(),
        "lastModifiedDate": version.created.fractional_seconds(),
    })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (Asked { policy_document: text, tags }, now) = (call.json()?, registry.clock.now());
    let (arn, tags) = (policies::arn(&registry.place, name(call)), super::tags::read(tags));
    registry.state.change(|tx| {
        policies::create(tx, name(call), &text, now)?;
        tags::put(tx, &arn, &tags)
    })?;
    Ok(Answer::ok(json!({
        "policyName": name(call),
        "policyArn": policies::arn(&registry.place, name(call)),
        "policyDocument": text,
        "policyVersionId": "1",
    })))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let policy = policies::require(rows.as_ref(), name(call))?;
    let version = policies::require_version(rows.as_ref(), name(call), policy.default)?;
    Ok(Answer::ok(json!({
        "policyName": policy.name,
        "policyArn": policies::arn(&registry.place, &policy.name),
        "policyDocument": version.text,
        "defaultVersionId": policy.default.to_string(),
        "creationDate": policy.created.fractional_seconds(),
        "lastModifiedDate": policy.modified.fractional_seconds(),
        "generationId": policy.newest.to_string(),
    })))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    registry.state.change(|tx| policies::delete(tx, name(call)))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = policies::list(rows.as_ref(), &paging(call, "pageSize", "marker")?)?;
    let found = each(found, |policy| name_and_arn(registry, &policy.name));
    Ok(page("policies", "nextMarker", found))
}

/// A name and an ARN, as lists have them.
pub(super) fn name_and_arn(registry: &Registry, name: &str) -> Value {
    json!({ "policyName": name, "policyArn": policies::arn(&registry.place, name) })
}

fn add_version(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (text, now) = (call.json::<Asked>()?.policy_document, registry.clock.now());
    let default = flag(call, "setAsDefault", false)?;
    let (policy, version) = registry.state.change(|tx| {
        let version = policies::add_version(tx, name(call), &text, default, now)?;
        Ok::<_, Refusal>((policies::require(tx, name(call))?, version))
    })?;
    Ok(Answer::ok(show(registry, &policy, version)))
}

fn versions(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let policy = policies::require(rows.as_ref(), name(call))?;
    let shown = policies::versions(rows.as_ref(), name(call))?.into_iter().rev().map(|version| {
        json!({
            "versionId": version.number.to_string(),
            "isDefaultVersion": version.number == policy.default,
            "createDate": version.created.fractional_seconds(),
        })
    });
    Ok(Answer::ok(json!({ "policyVersions": shown.collect::<Vec<_>>() })))
}

fn describe_version(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let policy = policies::require(rows.as_ref(), name(call))?;
    let version = policies::require_version(rows.as_ref(), name(call), number(call)?)?;
    Ok(Answer::ok(show(registry, &policy, version)))
}

fn set_default(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (number, now) = (number(call)?, registry.clock.now());
    registry.state.change(|tx| policies::set_default(tx, name(call), number, now))?;
    done()
}

fn delete_version(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let number = number(call)?;
    registry.state.change(|tx| policies::delete_version(tx, name(call), number))?;
    done()
}
