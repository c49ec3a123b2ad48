//! Operations on secrets.

use super::values::{Given, token};
use super::{object, read};
use crate::registry::secrets::{self, Change, Creation, Delete, Secret};
use crate::registry::tags::{self, Tags};
use crate::registry::{Kind, Refusal, Registry};
use serde::Deserialize;
use serde_json::{Value, json};

/// Which secret.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

fn read_tags(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Tags as lists of pairs.
pub(super) fn show_tags(tags: &Tags) -> Value {
    tags.iter().map(|(name, value)| json!({ "Key": name, "Value": value })).collect()
}

/// What every answer says of a secret.
pub(super) fn name(registry: &Registry, secret: &Secret) -> Value {
    json!({ "ARN": secret.arn(&registry.place), "Name": secret.name })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<Value>,
    #[serde(flatten)]
    value: Given,
}

pub(super) fn create(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Create = read(body)?;
    if !asked.add_replica_regions.is_empty() {
        let message = "gg-cloud has one region, and does not replicate secrets";
        return Err(Refusal::new(Kind::NotServed, message));
    }
    let id = token(asked.client_request_token)?;
    let value = asked.value.read()?.map(|value| (id.clone(), value));
    let has_value = value.is_some();
    let creation = Creation {
        name: asked.name,
        description: asked.description,
        kms_key: asked.kms_key_id,
        tags: read_tags(asked.tags),
        value,
    };
    let (place, vault, now) = (&registry.place, &registry.vault, registry.clock.now());
    let made = registry.state.change(|tx| secrets::create(tx, place, vault, creation, now))?;
    let mut answer = name(registry, &made);
    if has_value {
        answer["VersionId"] = id.into();
    }
    Ok(answer)
}

pub(super) fn describe(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let (asked, rows) = (read::<Named>(body)?, registry.state.snapshot()?);
    let secret = secrets::find(rows.as_ref(), &registry.place, &asked.secret_id)?;
    let tags = tags::of(rows.as_ref(), &secret.arn(&registry.place))?;
    Ok(show(registry, &secret, &tags, "VersionIdsToStages"))
}

/// A secret, with the labels of its versions under a name.
pub(super) fn show(registry: &Registry, secret: &Secret, tags: &Tags, versions: &str) -> Value {
    let labelled = secret.versions.iter().filter(|(_, version)| !version.stages.is_empty());
    let labelled: serde_json::Map<String, Value> =
        labelled.map(|(id, version)| (id.clone(), json!(version.stages))).collect();
    let deleted = secret.deleted.map(|(at, _)| at.fractional_seconds());
    object([
        ("ARN", secret.arn(&registry.place).into()),
        ("Name", secret.name.as_str().into()),
        ("Description", json!(secret.description)),
        ("KmsKeyId", json!(secret.kms_key)),
        ("CreatedDate", secret.created.fractional_seconds().into()),
        ("LastChangedDate", secret.changed.fractional_seconds().into()),
        ("DeletedDate", json!(deleted)),
        ("Tags", show_tags(tags)),
        (versions, Value::Object(labelled)),
    ])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    value: Given,
}

pub(super) fn update(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Update = read(body)?;
    let id = token(asked.client_request_token)?;
    let value = asked.value.read()?.map(|value| (id.clone(), value));
    let has_value = value.is_some();
    let change = Change { description: asked.description, kms_key: asked.kms_key_id, value };
    let (place, vault, now) = (&registry.place, &registry.vault, registry.clock.now());
    let secret = registry
        .state
        .change(|tx| secrets::update(tx, place, vault, &asked.secret_id, change, now))?;
    let mut answer = name(registry, &secret);
    if has_value {
        answer["VersionId"] = id.into();
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deletion {
    secret_id: String,
    recovery_window_in_days: Option<u64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(super) fn delete(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Deletion = read(body)?;
    let how =
        Delete { days: asked.recovery_window_in_days, force: asked.force_delete_without_recovery };
    let (place, now, id) = (&registry.place, registry.clock.now(), &asked.secret_id);
    let (mut answer, at) =
        match registry.state.change(|tx| secrets::delete(tx, place, id, how, now)) {
            Ok((secret, at)) => (name(registry, &secret), at),
            // By force, one that is not there is deleted as well.
            Err(refusal) if how.force && refusal.kind == Kind::NotFound => {
                (json!({ "ARN": id, "Name": id }), now)
            }
            Err(refusal) => return Err(refusal),
        };
    answer["DeletionDate"] = at.fractional_seconds().into();
    Ok(answer)
}

pub(super) fn restore(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Named = read(body)?;
    let place = &registry.place;
    let secret = registry.state.change(|tx| secrets::restore(tx, place, &asked.secret_id))?;
    Ok(name(registry, &secret))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    secret_id: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let Tagging { secret_id, tags } = read(body)?;
    let tags = read_tags(tags);
    registry.state.change(|tx| secrets::tag(tx, &registry.place, &secret_id, &tags))?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Untagging {
    secret_id: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let Untagging { secret_id, tag_keys } = read(body)?;
    registry.state.change(|tx| secrets::untag(tx, &registry.place, &secret_id, &tag_keys))?;
    Ok(json!({}))
}
