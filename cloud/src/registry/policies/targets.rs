//! Whom policies are for: certificates, and groups of things.

use super::{key, require};
use crate::registry::page::{self, Page, Paging};
use crate::registry::{Kind, Place, Refusal, certificates, groups};
use crate::state::{Key, Rows, Table, Transaction};

/// Targets, under their policy's name.
const TARGETS: Table<()> = Table::new("policy-targets");

/// The same the other way round.
pub(in crate::registry) const POLICIES_OF: Table<()> = Table::new("target-policies");

/// Most policies of one target (AWS IoT quotas).
const MOST: usize = 10;

/// Whom a policy is for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// The devices with this certificate, by its id.
    Certificate(String),
    /// The things in this group.
    Group(String),
}

impl Target {
    /// Whom an ARN names.
    ///
    /// # Errors
    /// It names neither a certificate nor a group of here.
    pub fn read(place: &Place, arn: &str) -> Result<Self, Refusal> {
        let certificate = place.named(arn, "iot", "cert").map(|id| Self::Certificate(id.into()));
        let group = || place.named(arn, "iot", "thinggroup").map(|name| Self::Group(name.into()));
        certificate.or_else(group).ok_or_else(|| {
            Refusal::invalid("a target is the ARN of a certificate or of a thing group of here")
        })
    }

    /// What it is called.
    pub fn arn(&self, place: &Place) -> String {
        place.arn("iot", &self.text())
    }

    fn text(&self) -> String {
        match self {
            Self::Certificate(id) => format!("cert/{id}"),
            Self::Group(name) => format!("thinggroup/{name}"),
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        match text.split_once('/')? {
            ("cert", id) => Some(Self::Certificate(id.to_owned())),
            ("thinggroup", name) => Some(Self::Group(name.to_owned())),
            _ => None,
        }
    }

    fn exists(&self, rows: &dyn Rows) -> Result<(), Refusal> {
        match self {
            Self::Certificate(id) => certificates::require(rows, id).map(drop),
            Self::Group(name) => groups::require(rows, name).map(drop),
        }
    }
}

/// Let a policy be for a target; it may be.
///
/// # Errors
/// There is no such policy or target, or the target has as many as there can be.
pub fn attach(tx: &mut dyn Transaction, name: &str, target: &Target) -> Result<(), Refusal> {
    require(tx, name)?;
    target.exists(tx)?;
    let others = attached_to(tx, target)?;
    if others.len() >= MOST && !others.iter().any(|other| other == name) {
        let message = format!("{MOST} policies are attached to {}", target.text());
        return Err(Refusal::new(Kind::Limit, message));
    }
    TARGETS.put(tx, &key(name).last(&target.text()), &())?;
    Ok(POLICIES_OF.put(tx, &key(&target.text()).last(name), &())?)
}

/// Let a policy be for a target no more.
///
/// # Errors
/// There is no such policy or target.
pub fn detach(tx: &mut dyn Transaction, name: &str, target: &Target) -> Result<(), Refusal> {
    require(tx, name)?;
    target.exists(tx)?;
    remove(tx, name, target)
}

/// Let no policy be for a target any more.
///
/// # Errors
/// The state fails.
pub fn detach_all(tx: &mut dyn Transaction, target: &Target) -> Result<(), Refusal> {
    attached_to(tx, target)?.iter().try_for_each(|name| remove(tx, name, target))
}

fn remove(tx: &mut dyn Transaction, name: &str, target: &Target) -> Result<(), Refusal> {
    TARGETS.delete(tx, &key(name).last(&target.text()))?;
    Ok(POLICIES_OF.delete(tx, &key(&target.text()).last(name))?)
}

/// The policies of a target, by name.
///
/// # Errors
/// The state cannot be read.
pub fn attached_to(rows: &dyn Rows, target: &Target) -> Result<Vec<String>, Refusal> {
    Ok(page_of(&POLICIES_OF, rows, &target.text(), &Paging::all(), Some)?.items)
}

/// The targets of a policy.
///
/// # Errors
/// There is no such policy.
pub fn targets_of(rows: &dyn Rows, name: &str, paging: &Paging) -> Result<Page<Target>, Refusal> {
    require(rows, name)?;
    page_of(&TARGETS, rows, name, paging, |text| Target::of_text(&text))
}

fn page_of<T>(
    table: &Table<()>,
    rows: &dyn Rows,
    first: &str,
    paging: &Paging,
    read: impl Fn(String) -> Option<T>,
) -> Result<Page<T>, Refusal> {
    let prefix = Key::new().text(first);
    page::of(table, rows, &prefix, paging, |key, ()| key.last_after(&prefix).and_then(&read))
}
