//! Role aliases.

use super::tags::Tag;
use super::{done, each, page, paging};
use crate::registry::role_aliases::{self, RoleAlias, USUAL_SECONDS};
use crate::registry::{Refusal, Registry, tags};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const ALIAS: &str = "/role-aliases/{roleAlias}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, ALIAS, "CreateRoleAlias", create),
    Operation::new(Method::GET, ALIAS, "DescribeRoleAlias", describe),
    Operation::new(Method::PUT, ALIAS, "UpdateRoleAlias", update),
    Operation::new(Method::DELETE, ALIAS, "DeleteRoleAlias", delete),
    Operation::new(Method::GET, "/role-aliases", "ListRoleAliases", list),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    role_arn: Option<String>,
    credential_duration_seconds: Option<u64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn name(call: &Call) -> &str {
    call.part("roleAlias")
}

fn name_and_arn(registry: &Registry, name: &str) -> Value {
    json!({ "roleAlias": name, "roleAliasArn": role_aliases::arn(&registry.place, name) })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (asked, now) = (call.json::<Asked>()?, registry.clock.now());
    let role = asked.role_arn.unwrap_or_default();
    let seconds = asked.credential_duration_seconds.unwrap_or(USUAL_SECONDS);
    let (arn, tags) =
        (role_aliases::arn(&registry.place, name(call)), super::tags::read(asked.tags));
    registry.state.change(|tx| {
        role_aliases::create(tx, name(call), &role, seconds, now)?;
        tags::put(tx, &arn, &tags)
    })?;
    Ok(Answer::ok(name_and_arn(registry, name(call))))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let RoleAlias { name, role, seconds, created, modified } =
        role_aliases::require(rows.as_ref(), name(call))?;
    let mut shown = name_and_arn(registry, &name);
    shown["roleArn"] = role.into();
    shown["owner"] = registry.place.account.clone().into();
    shown["credentialDurationSeconds"] = seconds.into();
    shown["creationDate"] = created.fractional_seconds().into();
    shown["lastModifiedDate"] = modified.fractional_seconds().into();
    Ok(Answer::ok(json!({ "roleAliasDescription": shown })))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (asked, now) = (call.json::<Asked>()?, registry.clock.now());
    let (role, seconds) = (asked.role_arn, asked.credential_duration_seconds);
    registry.state.change(|tx| role_aliases::update(tx, name(call), role, seconds, now))?;
    Ok(Answer::ok(name_and_arn(registry, name(call))))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    registry.state.change(|tx| role_aliases::delete(tx, name(call)))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = role_aliases::list(rows.as_ref(), &paging(call, "pageSize", "marker")?)?;
    Ok(page("roleAliases", "nextMarker", each(found, Value::String)))
}
