//! What is asked of policies: who wants to do what.

use crate::registry::Attributes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Who wants to do something, as far as policies ask.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What the certificate says of its subject.
    pub certificate: &'a BTreeMap<String, String>,
    /// The thing that it is.
    pub thing: Option<&'a Thing>,
}

/// A thing, as far as policies ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Thing {
    /// What it is called.
    pub name: String,
    /// What kind of thing it is.
    pub kind: Option<String>,
    /// What is noted of it.
    pub attributes: Attributes,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// What: `iot:Publish`.
    pub action: &'a str,
    /// With what: an ARN.
    pub resource: &'a str,
    /// Whether it ends with a filter of MQTT, and everything that this matches is wanted.
    pub all: bool,
    /// What the client calls itself in MQTT.
    pub client_id: Option<&'a str>,
    /// Where it is.
    pub source: Option<IpAddr>,
    /// How it wants to connect: `PersistentConnect`, `LastWill`.
    pub connect: &'a [&'a str],
}

/// The answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement is about it.
    NotAllowed,
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}

/// All that variables and conditions look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) request: &'a Request<'a>,
}

impl<'a> Context<'a> {
    /// The value of a variable in a resource. Nobody gets at others' topics by a name with `/` in it,
    /// or at all of them by one with `#`, so that such a name is none there.
    pub(super) fn variable(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.values(name)?.into_iter().next()?;
        let connects = self.request.action.eq_ignore_ascii_case("iot:Connect");
        let is_plain = !value.is_empty() && !value.contains(['+', '#', '/']);
        (connects || is_plain).then_some(value)
    }

    /// The values of a key of conditions; `None`: there is no such key here.
    pub(super) fn values(&self, key: &str) -> Option<Vec<Cow<'a, str>>> {
        let one = |text: &'a str| Some(vec![Cow::Borrowed(text)]);
        if let Some(of_subject) = key.strip_prefix("iot:Certificate.Subject.") {
            let of_subject = of_subject.strip_suffix(".1").unwrap_or(of_subject);
            return one(self.subject.certificate.get(of_subject)?);
        }
        if let Some(of_thing) = key.strip_prefix("iot:Connection.Thing.") {
            let thing = self.subject.thing;
            let attribute = of_thing.strip_prefix("Attributes[").and_then(|n| n.strip_suffix(']'));
            return match (of_thing, attribute) {
                ("IsAttached", _) => one(if thing.is_some() { "true" } else { "false" }),
                ("ThingName", _) => one(&thing?.name),
                ("ThingTypeName", _) => one(thing?.kind.as_deref()?),
                (_, Some(attribute)) => one(thing?.attributes.get(attribute)?),
                _ => None,
            };
        }
        match key {
            "iot:ClientId" => one(self.request.client_id?),
            "iot:SourceIp" | "aws:SourceIp" => {
                Some(vec![Cow::Owned(self.request.source?.to_canonical().to_string())])
            }
            "iot:ConnectAttributes" => {
                Some(self.request.connect.iter().map(|text| Cow::Borrowed(*text)).collect())
            }
            _ => None,
        }
    }
}
