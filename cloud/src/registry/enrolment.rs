//! All that a core device needs to be one, at once: a thing in a group, a certificate, and what it may
//! do by it.

use super::certificates::{self, Status};
use super::groups::{self, Properties};
use super::policies::{self, Target};
use super::{Kind, Place, Refusal, principals, role_aliases, things};
use crate::clock::Time;
use crate::state::Transaction;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The policy of core devices. It is made once, and what is changed of it stays.
pub const POLICY: &str = "GreengrassV2CoreDevice";

/// The alias and the role that core devices have in AWS's own instructions.
pub const ROLE_ALIAS: &str = "GreengrassV2TokenExchangeRoleAlias";
const ROLE: &str = "GreengrassV2TokenExchangeRole";

/// Make a core device of a thing, which is made if it is not there, as its group is. It is known by the
/// certificate from then on, and by those that it had.
///
/// # Errors
/// A name can be none, or the thing is in another group of the same hierarchy.
pub fn enrol(
    tx: &mut dyn Transaction,
    place: &Place,
    thing: &str,
    group: Option<&str>,
    certificate: &str,
    now: Time,
) -> Result<(), Refusal> {
    if things::get(tx, thing)?.is_none() {
        things::create(tx, thing, None, BTreeMap::new())?;
    }
    if let Some(group) = group {
        if groups::get(tx, group)?.is_none() {
            groups::create(tx, group, None, Properties::default(), now)?;
        }
        groups::join(tx, thing, group, now)?;
    }
    let certificate = certificates::register(tx, certificate, Status::Active, now)?;
    principals::attach(tx, thing, &certificate.id)?;
    let role = format!("arn:aws:iam::{}:role/{ROLE}", place.account);
    let alias = role_aliases::create(tx, ROLE_ALIAS, &role, role_aliases::USUAL_SECONDS, now);
    once(alias)?;
    once(policies::create(tx, POLICY, &policy(place).to_string(), now))?;
    policies::attach(tx, POLICY, &Target::Certificate(certificate.id))
}

/// What was there before stays.
fn once<T>(made: Result<T, Refusal>) -> Result<(), Refusal> {
    match made {
        Err(refusal) if refusal.kind != Kind::Exists => Err(refusal),
        _ => Ok(()),
    }
}

/// What a core device does (Greengrass developer guide, "Minimal AWS IoT policy for core devices"): it
/// connects by its name, and by that with a number as the Java nucleus does; it is told of its shadows,
/// jobs and health, and has topics of its own below its name.
fn policy(place: &Place) -> Value {
    const THING: &str = "${iot:Connection.Thing.ThingName}";
    let arns = |kind: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| place.arn("iot", &format!("{kind}/{name}"))).collect()
    };
    let (reserved, own) = (format!("$aws/things/{THING}/*"), format!("{THING}/*"));
    let allow = |actions: &[&str], resources: Vec<String>| json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    json!({ "Version": "2012-10-17", "Statement": [
        allow(&["iot:Connect"], arns("client", &[THING, &format!("{THING}#*")])),
        allow(&["iot:Publish", "iot:Receive"], arns("topic", &[&reserved, &own])),
        allow(&["iot:Subscribe"], arns("topicfilter", &[&reserved, &own])),
        allow(&["iot:AssumeRoleWithCertificate"], arns("rolealias", &[ROLE_ALIAS])),
        allow(&["greengrass:*"], vec!["*".to_owned()]),
    ] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Attributes;
    use crate::registry::policies::{Document, Request, Subject, Thing, authorize};

    #[test]
    fn a_core_device_may_do_its_work_and_nothing_of_others() {
        let place = Place::new(None, None).unwrap();
        let document = Document::parse(&policy(&place).to_string()).unwrap();
        let thing =
            Thing { name: "press".to_owned(), kind: None, attributes: Attributes::default() };
        let subject = Subject { certificate: &BTreeMap::new(), thing: Some(&thing) };
        for (action, what, may) in [
            ("iot:Connect", "client/press", true),
            ("iot:Connect", "client/press#2", true),
            ("iot:Connect", "client/press2", false),
            ("iot:Publish", "topic/$aws/things/press/greengrassv2/health/json", true),
            ("iot:Publish", "topic/$aws/things/press/greengrass/health/json", true),
            ("iot:Publish", "topic/$aws/things/other/shadow/update", false),
            ("iot:Receive", "topic/$aws/things/press/jobs/notify", true),
            ("iot:Subscribe", "topicfilter/$aws/things/press/jobs/notify", true),
            ("iot:Subscribe", "topicfilter/#", false),
            ("iot:Subscribe", "topicfilter/$aws/things/+/jobs/notify", false),
            ("iot:Publish", "topic/press/temperature", true),
            ("iot:Publish", "topic/lathe/temperature", false),
            ("iot:AssumeRoleWithCertificate", "rolealias/Other", false),
        ] {
            let (resource, client_id) = (place.arn("iot", what), Some("press"));
            let request = Request { action, resource: &resource, client_id, ..Request::default() };
            let decision = authorize([&document], &subject, &request);
            assert_eq!(decision.is_allowed(), may, "{action} {what}");
        }
    }
}
