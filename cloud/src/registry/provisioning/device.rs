//! What devices ask with a claim (AWS IoT developer guide, "Device provisioning MQTT API").

use super::template::{
    ACCOUNT, CERTIFICATE_ARN, CERTIFICATE_ID, Outcome, Override, Parameters, PolicyOutcome, REGION,
    ThingOutcome,
};
use super::templates;
use crate::artifacts::Digest;
use crate::clock::Time;
use crate::registry::certificates::{self, Status};
use crate::registry::policies::{self, Target};
use crate::registry::{Kind, Refusal, Registry, groups, principals, things};
use crate::state::{Key, Table, Transaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Certificates that are nobody's yet, by the digests of the tokens that stand for them.
const PENDING: Table<Pending> = Table::new("provisioning-pending");
/// The same digests by when the tokens end.
const DUE: Table<String> = Table::new("provisioning-due");
/// How many there are.
const COUNT: Table<u64> = Table::new("provisioning-count");

/// How long a token holds, in seconds.
const HOLDS: u64 = 60 * 60;

/// Most certificates that are nobody's yet.
const MOST: u64 = 10_000;

/// Most bytes of what a device says.
const LARGEST: usize = 128 * 1024;

/// Most bytes of a request to sign.
const LONGEST_REQUEST: usize = 4096;

/// Most that go in one transaction.
const MOST_AT_ONCE: usize = 100;

/// What certificates are called whose key was made here.
const NAME: &str = "AWS IoT Certificate";

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Pending {
    certificate: String,
    until: Time,
}

/// What a device asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// A key and its certificate.
    Keys,
    /// A certificate for a key that it has.
    Certificate,
    /// To become what a template says.
    Registration(String),
}

impl Asked {
    /// What is asked for at a topic; `None`: nothing of this.
    pub fn at(topic: &str) -> Option<Self> {
        match topic.strip_prefix("$aws/")? {
            "certificates/create/json" => Some(Self::Keys),
            "certificates/create-from-csr/json" => Some(Self::Certificate),
            other => {
                let rest = other.strip_prefix("provisioning-templates/")?;
                let name = rest.strip_suffix("/provision/json")?;
                let is_name = !name.is_empty() && !name.contains('/');
                is_name.then(|| Self::Registration(name.to_owned()))
            }
        }
    }
}

/// An answer, for who asked alone. `Debug` does not show it, since it can have a key in it.
pub struct Answer {
    /// Whether it is what was asked for.
    pub is_accepted: bool,
    /// What is said.
    pub payload: String,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("is_accepted", &self.is_accepted).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    certificate_signing_request: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    certificate_ownership_token: String,
    #[serde(default)]
    parameters: Parameters,
}

/// Answer a device; what is answered lasts. Who may ask was asked before. Blocks.
///
/// # Errors
/// The state fails. What is said wrongly is answered so.
pub fn answer(registry: &Registry, asked: &Asked, payload: &[u8]) -> Result<Answer, Refusal> {
    let answered = match asked {
        Asked::Keys => keys(registry),
        Asked::Certificate => certificate(registry, payload),
        Asked::Registration(template) => register(registry, template, payload),
    };
    let said = |is_accepted, value: Value| Answer { is_accepted, payload: value.to_string() };
    match answered {
        Ok(value) => Ok(said(true, value)),
        Err(refusal) if refusal.kind == Kind::Internal => Err(refusal),
        Err(refusal) => Ok(said(false, rejection(&refusal))),
    }
}

fn rejection(refusal: &Refusal) -> Value {
    let about = refusal.resource.as_ref().map_or("", |resource| resource.kind);
    let (status, code) = match (refusal.kind, about) {
        (_, "token") => (400, "InvalidCertificateOwnershipToken"),
        (Kind::Denied, _) => (403, "AccessDenied"),
        (Kind::NotFound, _) => (404, "ResourceNotFound"),
        (Kind::Exists, _) => (409, "ResourceConflict"),
        (Kind::Throttled, _) => (429, "TooManyRequests"),
        _ => (400, "InvalidParameters"),
    };
    json!({ "statusCode": status, "errorCode": code, "errorMessage": refusal.message })
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refusal> {
    if payload.len() > LARGEST {
        return Err(Refusal::invalid(format!("a request has up to {LARGEST} bytes")));
    }
    // What serde says of a text may show some of it.
    serde_json::from_slice(payload)
        .map_err(|_| Refusal::invalid("the request is not what is expected"))
}

fn keys(registry: &Registry) -> Result<Value, Refusal> {
    let issued = registry.authority.issue(NAME).map_err(|error| Refusal::internal(&error))?;
    let mut answer = keep(registry, &issued.certificate)?;
    answer["privateKey"] = issued.private_key.as_str().into();
    Ok(answer)
}

fn certificate(registry: &Registry, payload: &[u8]) -> Result<Value, Refusal> {
    let Request { certificate_signing_request: request } = read(payload)?;
    if request.len() > LONGEST_REQUEST {
        let message = format!("a request to sign has up to {LONGEST_REQUEST} bytes");
        return Err(Refusal::invalid(message));
    }
    let signed = registry.authority.sign(&request);
    let signed = signed.map_err(|error| Refusal::invalid(format!("{error:#}")))?;
    keep(registry, &signed)
}

/// Keep a certificate that is nobody's yet, and make a token for it.
fn keep(registry: &Registry, pem: &str) -> Result<Value, Refusal> {
    let token = crate::hexadecimal::hexadecimal(&crate::random::bytes::<32>()?);
    let (now, digest) = (registry.clock.now(), Digest::of(token.as_bytes()).to_string());
    let kept = registry.state.change(|tx| {
        let count = COUNT.get(tx, &Key::new())?.unwrap_or_default();
        if count >= MOST {
            let message = format!("{MOST} certificates wait to be registered; ask again later");
            return Err(Refusal::new(Kind::Throttled, message));
        }
        COUNT.put(tx, &Key::new(), &(count + 1))?;
        let kept = certificates::register(tx, pem, Status::PendingActivation, now)?;
        let until = now.plus_seconds(HOLDS);
        let pending = Pending { certificate: kept.id.clone(), until };
        PENDING.put(tx, &Key::new().text(&digest), &pending)?;
        DUE.put(tx, &due_key(&digest, until), &digest)?;
        Ok(kept)
    })?;
    Ok(json!({
        "certificateId": kept.id,
        "certificatePem": kept.pem,
        "certificateOwnershipToken": token,
    }))
}

fn due_key(digest: &str, until: Time) -> Key {
    Key::new().number(until.millis()).text(digest)
}

/// A token is used, or has ended.
fn forget(tx: &mut dyn Transaction, digest: &str, pending: &Pending) -> Result<(), Refusal> {
    PENDING.delete(tx, &Key::new().text(digest))?;
    DUE.delete(tx, &due_key(digest, pending.until))?;
    let count = COUNT.get(tx, &Key::new())?.unwrap_or_default();
    Ok(COUNT.put(tx, &Key::new(), &count.saturating_sub(1))?)
}

/// Have certificates go that nobody registered in time. Gives whether there may be more.
pub(super) fn expire(tx: &mut dyn Transaction, now: Time) -> Result<bool, Refusal> {
    let due = DUE.scan(tx, &Key::new(), None, MOST_AT_ONCE)?;
    let (end, all) = (Key::new().number(now.millis()).past(), due.len() < MOST_AT_ONCE);
    for (key, digest) in due {
        if key > end {
            return Ok(false);
        }
        let Some(pending) = PENDING.get(tx, &Key::new().text(&digest))? else {
            DUE.delete(tx, &key)?;
            continue;
        };
        forget(tx, &digest, &pending)?;
        let found = certificates::get(tx, &pending.certificate)?;
        if found.is_some_and(|found| found.status == Status::PendingActivation) {
            certificates::delete(tx, &pending.certificate, true)?;
        }
    }
    Ok(!all)
}

fn register(registry: &Registry, template: &str, payload: &[u8]) -> Result<Value, Refusal> {
    let Registration { certificate_ownership_token: token, parameters } = read(payload)?;
    let (place, now) = (&registry.place, registry.clock.now());
    let digest = Digest::of(token.as_bytes()).to_string();
    registry.state.change(|tx| {
        let stored = templates::require(tx, template)?;
        if !stored.is_enabled {
            let message = format!("the provisioning template {template} is not enabled");
            return Err(Refusal::invalid(message));
        }
        let pending = PENDING.get(tx, &Key::new().text(&digest))?;
        let pending = pending.filter(|pending| now < pending.until).ok_or_else(|| {
            let message = "the token is of no certificate, was used, or holds no more";
            Refusal::invalid(message).about("token", "")
        })?;
        let id = pending.certificate.as_str();
        let known = [
            (ACCOUNT, place.account.clone()),
            (CERTIFICATE_ARN, certificates::arn(place, id)),
            (CERTIFICATE_ID, id.to_owned()),
            (REGION, place.region.clone()),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value));
        let asked = stored.template()?.ask(&parameters, known.into());
        let outcome = asked.map_err(Refusal::invalid)?;
        carry_out(tx, id, &outcome, now)?;
        forget(tx, &digest, &pending)?;
        let mut answer = json!({ "deviceConfiguration": outcome.configuration });
        if let Some(thing) = outcome.thing {
            answer["thingName"] = thing.name.into();
        }
        Ok(answer)
    })
}

/// Make what comes of a template.
fn carry_out(
    tx: &mut dyn Transaction,
    certificate: &str,
    outcome: &Outcome,
    now: Time,
) -> Result<(), Refusal> {
    let status = if outcome.is_active { Status::Active } else { Status::Inactive };
    certificates::set_status(tx, certificate, status, now)?;
    if let Some(thing) = &outcome.thing {
        make_thing(tx, thing, now)?;
        principals::attach(tx, &thing.name, certificate)?;
    }
    for policy in &outcome.policies {
        let name = match policy {
            PolicyOutcome::Name(name) => name.clone(),
            PolicyOutcome::Document(text) => {
                let name = Digest::of(text.as_bytes()).to_string();
                match policies::create(tx, &name, text, now) {
                    Err(refusal) if refusal.kind != Kind::Exists => return Err(refusal),
                    _ => {}
                }
                name
            }
        };
        policies::attach(tx, &name, &Target::Certificate(certificate.to_owned()))?;
    }
    Ok(())
}

fn make_thing(tx: &mut dyn Transaction, asked: &ThingOutcome, now: Time) -> Result<(), Refusal> {
    let ThingOutcome { name, kind, attributes, groups: wanted, overrides } = asked;
    if things::get(tx, name)?.is_none() {
        things::create(tx, name, kind.clone(), attributes.clone())?;
        return wanted.iter().try_for_each(|group| groups::join(tx, name, group, now));
    }
    let conflict = |what: &str| {
        let message = format!("there is a thing {name} already, and {what} is not to change");
        Err(Refusal::new(Kind::Exists, message).about("thing", name.clone()))
    };
    let mut change = things::Change::default();
    match overrides.attribute_payload {
        Override::Fail => return conflict("what is noted of it"),
        Override::DoNothing => {}
        Override::Merge | Override::Replace => {
            change.attributes = Some(attributes.clone());
            change.merge = overrides.attribute_payload == Override::Merge;
        }
    }
    match overrides.thing_type_name {
        Override::Fail => return conflict("its type"),
        Override::Replace => change.kind = Some(kind.clone()),
        Override::DoNothing | Override::Merge => {}
    }
    if change.attributes.is_some() || change.kind.is_some() {
        things::update(tx, name, change)?;
    }
    match overrides.thing_groups {
        Override::Fail => return conflict("its groups"),
        Override::DoNothing => return Ok(()),
        Override::Merge => {}
        Override::Replace => {
            for group in groups::direct_of(tx, name)? {
                if !wanted.contains(&group) {
                    groups::leave(tx, name, &group, now)?;
                }
            }
        }
    }
    wanted.iter().try_for_each(|group| groups::join(tx, name, group, now))
}
