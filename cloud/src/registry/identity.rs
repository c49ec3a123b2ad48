//! Who a device is, known by the certificate that it showed: what the broker and the doors for devices
//! ask, once for a connection, and then for everything that the device wants.

use super::certificates::{self, Certificate};
use super::policies::{self, Decision, Document, Request, Subject, Target, Thing};
use super::{Refusal, groups, principals, things};
use crate::clock::Time;
use crate::state::Rows;

/// Tables whose changes can change who a device is, or what it may do.
pub const TABLES: &[&str] = &[
    certificates::CERTIFICATES.name(),
    groups::GROUPS.name(),
    groups::MEMBERSHIPS.name(),
    policies::POLICIES.name(),
    policies::POLICIES_OF.name(),
    policies::VERSIONS.name(),
    principals::THINGS_OF.name(),
    things::THINGS.name(),
];

/// A device, as it was when it was asked about. What changes later is seen by asking again.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its certificate, which may not count any more.
    pub certificate: Certificate,
    /// What the certificate's policies say.
    documents: Vec<Document>,
    /// The things that are known by it, by name, with what the policies of their groups say.
    things: Vec<(Thing, Vec<Document>)>,
}

/// Whose certificate this is, in DER; `None`: of nobody here. That the device has the key to it was
/// seen before.
///
/// # Errors
/// The state cannot be read.
pub fn identify(rows: &dyn Rows, der: &[u8]) -> Result<Option<Identity>, Refusal> {
    let Some(certificate) = certificates::get(rows, &certificates::id(der))? else {
        return Ok(None);
    };
    let documents = documents(rows, &Target::Certificate(certificate.id.clone()))?;
    let mut known = Vec::new();
    for name in principals::things_of(rows, &certificate.id)? {
        let things::Thing { name, kind, attributes, .. } = things::require(rows, &name)?;
        let mut of_groups = Vec::new();
        for group in groups::all_of(rows, &name)? {
            of_groups.extend(self::documents(rows, &Target::Group(group))?);
        }
        known.push((Thing { name, kind, attributes }, of_groups));
    }
    Ok(Some(Identity { certificate, documents, things: known }))
}

/// What the policies of a target say.
fn documents(rows: &dyn Rows, target: &Target) -> Result<Vec<Document>, Refusal> {
    let read = |name: String| {
        let policy = policies::require(rows, &name)?;
        Document::parse(&policies::require_version(rows, &name, policy.default)?.text)
    };
    policies::attached_to(rows, target)?.into_iter().map(read).collect()
}

impl Identity {
    /// Whether a thing of this name is known by the certificate.
    pub fn is_thing(&self, name: &str) -> bool {
        self.things.iter().any(|(thing, _)| thing.name == name)
    }

    /// The thing that a client is: the one that it calls itself, or the only one that there is.
    pub fn thing(&self, client_id: Option<&str>) -> Option<&Thing> {
        self.of(client_id).map(|(thing, _)| thing)
    }

    fn of(&self, client_id: Option<&str>) -> Option<&(Thing, Vec<Document>)> {
        let called = self.things.iter().find(|(thing, _)| Some(thing.name.as_str()) == client_id);
        match (called, self.things.as_slice()) {
            (None, [only]) => Some(only),
            (called, _) => called,
        }
    }

    /// Whether the device may do something now. It may do nothing by a certificate that does not count.
    pub fn authorize(&self, request: &Request<'_>, now: Time) -> Decision {
        if !self.certificate.holds(now) {
            return Decision::NotAllowed;
        }
        let known = self.of(request.client_id);
        let subject = Subject {
            certificate: &self.certificate.facts.subject,
            thing: known.map(|(thing, _)| thing),
        };
        let of_groups = known.into_iter().flat_map(|(_, documents)| documents);
        policies::authorize(self.documents.iter().chain(of_groups), &subject, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::certificates::Status;
    use crate::registry::groups::Properties;
    use crate::state::{Sqlite, State, Transaction};
    use rcgen::{CertificateParams, KeyPair};
    use std::collections::BTreeMap;

    const NOW: u64 = 1_800_000_000;

    /// `press` is in the group `hall` of `site`, whose policies allow a topic each, and `lathe` in none;
    /// both are known by the certificate, whose policy allows a third.
    fn build(tx: &mut dyn Transaction, pem: &str, now: Time) -> Result<String, Refusal> {
        let certificate = certificates::register(tx, pem, Status::Active, now)?;
        groups::create(tx, "site", None, Properties::default(), now)?;
        groups::create(tx, "hall", Some("site"), Properties::default(), now)?;
        for name in ["press", "lathe"] {
            things::create(tx, name, None, BTreeMap::new())?;
            principals::attach(tx, name, &certificate.id)?;
        }
        groups::join(tx, "press", "hall", now)?;
        for (name, target) in [
            ("own", Target::Certificate(certificate.id.clone())),
            ("hall", Target::Group("hall".to_owned())),
            ("site", Target::Group("site".to_owned())),
        ] {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iot:Publish",
                "Resource":"{name}/${{iot:Connection.Thing.ThingName}}"}}}}"#
            );
            policies::create(tx, name, &text, now)?;
            policies::attach(tx, name, &target)?;
        }
        Ok(certificate.id)
    }

    #[test]
    fn a_device_has_the_policies_of_its_certificate_and_of_its_groups() {
        let folder = tempfile::tempdir().unwrap();
        let state: Box<dyn State> =
            Box::new(Sqlite::open(&folder.path().join("state.sqlite")).unwrap());
        let (params, now) = (CertificateParams::default(), Time::from_seconds(NOW));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let id = state.change(|tx| build(tx, &certificate.pem(), now)).unwrap();
        let identity = || identify(state.snapshot().unwrap().as_ref(), certificate.der()).unwrap();
        let known = identity().unwrap();
        let may = |identity: &Identity, client: &str, resource: &str| {
            let client_id = Some(client);
            let request =
                Request { action: "iot:Publish", resource, client_id, ..Request::default() };
            identity.authorize(&request, now).is_allowed()
        };
        for topic in ["own/press", "hall/press", "site/press"] {
            assert!(may(&known, "press", topic), "{topic}");
            // Which of two things it is is not known.
            assert!(!may(&known, "press#2", topic), "{topic}");
        }
        assert!(may(&known, "lathe", "own/lathe"));
        assert!(!may(&known, "lathe", "site/lathe"));
        assert!(!may(&known, "lathe", "own/press"));
        assert!(known.is_thing("lathe") && !known.is_thing("other"));

        let alone: Result<(), Refusal> = state.change(|tx| principals::detach(tx, "lathe", &id));
        alone.unwrap();
        assert!(may(&identity().unwrap(), "press#2", "site/press"));
        let revoked: Result<(), Refusal> =
            state.change(|tx| certificates::set_status(tx, &id, Status::Revoked, now));
        revoked.unwrap();
        assert!(!may(&identity().unwrap(), "press", "own/press"));
        let unknown = identify(state.snapshot().unwrap().as_ref(), b"other").unwrap();
        assert!(unknown.is_none());
    }
}
