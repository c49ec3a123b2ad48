//! Templates by their names (AWS IoT API reference, `CreateProvisioningTemplate`). Each has one version.

use super::template::Template;
use crate::clock::Time;
use crate::registry::page::{self, Page, Paging};
use crate::registry::{Kind, Place, Refusal, names, tags};
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

const TEMPLATES: Table<Stored> = Table::new("provisioning-templates");

/// Most letters of a name, and of a description.
const LONGEST_NAME: usize = 36;
const LONGEST_DESCRIPTION: usize = 500;

/// A template as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// What it says.
    pub body: String,
    /// For people.
    pub description: Option<String>,
    /// Whether devices may ask for it.
    pub is_enabled: bool,
    /// Kept and shown, and not used.
    pub role: String,
    /// When it was made.
    pub created: Time,
    /// When it was last changed.
    pub modified: Time,
}

/// What a template is made of.
#[derive(Clone, Debug, Default)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// What it says.
    pub body: String,
    /// For people.
    pub description: Option<String>,
    /// Whether devices may ask for it.
    pub is_enabled: bool,
    /// Kept and shown, and not used.
    pub role: String,
    /// Names and values.
    pub tags: tags::Tags,
}

/// What is to be changed of one.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// For people.
    pub description: Option<String>,
    /// Whether devices may ask for it.
    pub is_enabled: Option<bool>,
    /// Kept and shown, and not used.
    pub role: Option<String>,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// The ARN of a template.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("provisioningtemplate/{name}"))
}

impl Stored {
    /// What it says, read.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn template(&self) -> Result<Template, Refusal> {
        Template::parse(&self.body).map_err(|wrong| wrong_body(&wrong))
    }
}

fn wrong_body(wrong: &str) -> Refusal {
    Refusal::invalid(format!("the template is not one: {wrong}"))
}

/// Make one.
///
/// # Errors
/// There is one of that name, or it cannot be.
pub fn create(
    tx: &mut dyn Transaction,
    place: &Place,
    creation: Creation,
    now: Time,
) -> Result<Stored, Refusal> {
    let Creation { name, body, description, is_enabled, role, tags } = creation;
    names::check("provisioning template", &name, "_-")?;
    if name.len() > LONGEST_NAME {
        let message = format!("a provisioning template's name has up to {LONGEST_NAME} letters");
        return Err(Refusal::invalid(message));
    }
    check_description(description.as_deref())?;
    Template::parse(&body).map_err(|wrong| wrong_body(&wrong))?;
    if TEMPLATES.get(tx, &key(&name))?.is_some() {
        let message = format!("there is a provisioning template {name} already");
        return Err(Refusal::new(Kind::Exists, message).about("provisioning template", name));
    }
    tags::put(tx, &arn(place, &name), &tags)?;
    let stored = Stored { name, body, description, is_enabled, role, created: now, modified: now };
    TEMPLATES.put(tx, &key(&stored.name), &stored)?;
    Ok(stored)
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<Stored, Refusal> {
    let found = TEMPLATES.get(rows, &key(name))?;
    found.ok_or_else(|| Refusal::not_found("provisioning template", name))
}

/// Change one.
///
/// # Errors
/// There is none, or it cannot be so.
pub fn update(
    tx: &mut dyn Transaction,
    name: &str,
    change: Change,
    now: Time,
) -> Result<(), Refusal> {
    check_description(change.description.as_deref())?;
    let mut stored = require(tx, name)?;
    stored.description = change.description.or(stored.description);
    stored.is_enabled = change.is_enabled.unwrap_or(stored.is_enabled);
    stored.role = change.role.unwrap_or(stored.role);
    stored.modified = now;
    Ok(TEMPLATES.put(tx, &key(name), &stored)?)
}

/// Remove one. What it made stays.
///
/// # Errors
/// There is none.
pub fn delete(tx: &mut dyn Transaction, place: &Place, name: &str) -> Result<(), Refusal> {
    require(tx, name)?;
    tags::forget(tx, &arn(place, name))?;
    Ok(TEMPLATES.delete(tx, &key(name))?)
}

/// All of them, by name.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows, paging: &Paging) -> Result<Page<Stored>, Refusal> {
    page::of(&TEMPLATES, rows, &Key::new(), paging, |_, stored| Some(stored))
}

fn check_description(text: Option<&str>) -> Result<(), Refusal> {
    match text.is_none_or(|text| text.chars().count() <= LONGEST_DESCRIPTION) {
        true => Ok(()),
        false => {
            Err(Refusal::invalid(format!("a description has up to {LONGEST_DESCRIPTION} letters")))
        }
    }
}
