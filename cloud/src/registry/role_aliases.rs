//! Role aliases: names by which devices ask for credentials (AWS IoT developer guide, "Authorizing
//! direct calls to AWS services using AWS IoT Core credential provider"). The roles themselves are only
//! names here: what a session may do is the same for all.

use super::page::{self, Page, Paging};
use super::{Kind, Place, Refusal, names, tags};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

const ALIASES: Table<RoleAlias> = Table::new("role-aliases");

/// How long credentials hold, in seconds (AWS IoT API reference, `CreateRoleAlias`).
const SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

/// How long they hold unless it is said.
pub const USUAL_SECONDS: u64 = 3600;

/// A role alias.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RoleAlias {
    /// What it is called.
    pub name: String,
    /// The role that it stands for.
    pub role: String,
    /// How long credentials of it hold.
    pub seconds: u64,
    /// When it was made.
    pub created: Time,
    /// When it last changed.
    pub modified: Time,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// What an alias is called in ARNs.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("rolealias/{name}"))
}

/// Make one.
///
/// # Errors
/// There is one, or it is not well formed.
pub fn create(
    tx: &mut dyn Transaction,
    name: &str,
    role: &str,
    seconds: u64,
    now: Time,
) -> Result<RoleAlias, Refusal> {
    names::check("role alias", name, "=,@_-")?;
    if ALIASES.get(tx, &key(name))?.is_some() {
        let message = format!("there is a role alias {name} already");
        return Err(Refusal::new(Kind::Exists, message).about("role alias", name));
    }
    let (name, role) = (name.to_owned(), role.to_owned());
    keep(tx, RoleAlias { name, role, seconds, created: now, modified: now })
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<RoleAlias, Refusal> {
    ALIASES.get(rows, &key(name))?.ok_or_else(|| Refusal::not_found("role alias", name))
}

/// Change one.
///
/// # Errors
/// There is none, or it is not well formed.
pub fn update(
    tx: &mut dyn Transaction,
    name: &str,
    role: Option<String>,
    seconds: Option<u64>,
    now: Time,
) -> Result<RoleAlias, Refusal> {
    let found = require(tx, name)?;
    let role = role.unwrap_or_else(|| found.role.clone());
    let seconds = seconds.unwrap_or(found.seconds);
    keep(tx, RoleAlias { role, seconds, modified: now, ..found })
}

/// Remove one.
///
/// # Errors
/// There is none.
pub fn delete(tx: &mut dyn Transaction, name: &str) -> Result<(), Refusal> {
    require(tx, name)?;
    tags::forget_iot(tx, &format!("rolealias/{name}"))?;
    Ok(ALIASES.delete(tx, &key(name))?)
}

/// All of them, by name.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows, paging: &Paging) -> Result<Page<String>, Refusal> {
    page::of(&ALIASES, rows, &Key::new(), paging, |_, alias| Some(alias.name))
}

fn keep(tx: &mut dyn Transaction, alias: RoleAlias) -> Result<RoleAlias, Refusal> {
    if !SECONDS.contains(&alias.seconds) {
        let (least, most) = (SECONDS.start(), SECONDS.end());
        return Err(Refusal::invalid(format!(
            "credentialDurationSeconds is not from {least} to {most}"
        )));
    }
    let role = &alias.role;
    if role.len() > 2048 || !role.starts_with("arn:") || !role.contains(":role/") {
        return Err(Refusal::invalid("roleArn is not the ARN of a role"));
    }
    ALIASES.put(tx, &key(&alias.name), &alias)?;
    Ok(alias)
}
