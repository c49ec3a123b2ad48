//! Operations on values and their versions.

use super::secrets::name;
use super::{code, list, object, read};
use crate::registry::secrets::{self, Found, Value as Plain, Which};
use crate::registry::{Refusal, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Most secrets whose values are asked for at once.
const MOST_IN_BATCH: usize = 20;

/// A value as requests have it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Given {
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

impl Given {
    /// The value, if there is one.
    pub(super) fn read(self) -> Result<Option<Plain>, Refusal> {
        match (self.secret_string, self.secret_binary) {
            (Some(_), Some(_)) => Err(Refusal::invalid(
                "You can't specify both a binary secret value and a string secret value in the \
                 same secret.",
            )),
            (Some(text), None) => Ok(Some(Plain::Text(text.into()))),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text.as_bytes());
                let bytes = bytes.map_err(|_| Refusal::invalid("SecretBinary is not in base64"))?;
                Ok(Some(Plain::Binary(bytes.into())))
            }
            (None, None) => Ok(None),
        }
    }
}

/// The id of a version that is made: the request's, or a new one.
pub(super) fn token(said: Option<String>) -> Result<String, Refusal> {
    Ok(match said {
        Some(said) => said,
        None => crate::random::uuid()?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let (asked, rows) = (read::<Get>(body)?, registry.state.snapshot()?);
    let which = Which { version: asked.version_id, stage: asked.version_stage };
    let (place, vault) = (&registry.place, &registry.vault);
    let found = secrets::get_value(rows.as_ref(), place, vault, &asked.secret_id, &which)?;
    Ok(show(registry, &found))
}

fn show(registry: &Registry, found: &Found) -> Value {
    let mut answer = name(registry, &found.secret);
    answer["VersionId"] = found.id.as_str().into();
    answer["VersionStages"] = json!(found.version.stages);
    answer["CreatedDate"] = found.version.created.fractional_seconds().into();
    match &found.value {
        Plain::Text(text) => answer["SecretString"] = text.as_str().into(),
        Plain::Binary(bytes) => answer["SecretBinary"] = STANDARD.encode(bytes).into(),
    }
    answer
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    secret_id: String,
    client_request_token: Option<String>,
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: Given,
}

pub(super) fn put(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Put = read(body)?;
    let id = token(asked.client_request_token)?;
    let value = asked
        .value
        .read()?
        .ok_or_else(|| Refusal::invalid("You must provide either SecretString or SecretBinary."))?;
    let (place, vault, now) = (&registry.place, &registry.vault, registry.clock.now());
    let (secret_id, stages) = (&asked.secret_id, asked.version_stages);
    let secret = registry
        .state
        .change(|tx| secrets::put_value(tx, place, vault, secret_id, (&id, &value), stages, now))?;
    let mut answer = name(registry, &secret);
    answer["VersionStages"] = secret.versions.get(&id).map(|one| json!(one.stages)).into();
    answer["VersionId"] = id.into();
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

pub(super) fn stage(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let asked: Stage = read(body)?;
    let way = (asked.remove_from_version_id.as_deref(), asked.move_to_version_id.as_deref());
    let (place, now) = (&registry.place, registry.clock.now());
    let secret = registry.state.change(|tx| {
        secrets::move_stage(tx, place, &asked.secret_id, &asked.version_stage, way, now)
    })?;
    Ok(name(registry, &secret))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    #[serde(default)]
    secret_id_list: Vec<String>,
    #[serde(default)]
    filters: Vec<list::AskedFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// The current values of several. What is wrong with one is said beside the others.
pub(super) fn batch(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let (asked, rows) = (read::<Batch>(body)?, registry.state.snapshot()?);
    let (ids, next) = match (asked.secret_id_list, asked.filters) {
        (ids, filters) if ids.is_empty() && !filters.is_empty() => {
            let size = list::size(asked.max_results, MOST_IN_BATCH)?;
            let token = asked.next_token.as_deref();
            let page = list::found(registry, rows.as_ref(), &filters, token, size)?;
            let ids = page.items.into_iter().map(|(secret, _)| secret.name);
            (ids.collect::<Vec<_>>(), page.next)
        }
        (ids, filters) if filters.is_empty() && (1..=MOST_IN_BATCH).contains(&ids.len()) => {
            (ids, None)
        }
        _ => {
            let message = format!(
                "name 1 to {MOST_IN_BATCH} secrets in SecretIdList, or say which with Filters"
            );
            return Err(Refusal::invalid(message));
        }
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let (place, vault) = (&registry.place, &registry.vault);
        match secrets::get_value(rows.as_ref(), place, vault, &id, &Which::default()) {
            Ok(found) => values.push(show(registry, &found)),
            Err(refusal) => errors.push(json!({
                "SecretId": id, "ErrorCode": code(&refusal), "Message": refusal.message,
            })),
        }
    }
    Ok(object([
        ("SecretValues", values.into()),
        ("Errors", errors.into()),
        ("NextToken", json!(next)),
    ]))
}
