//! What the broker asks of the registry about those who connect: the actions of policies, and what
//! they are about.

use crate::clock::Clock;
use crate::registry::policies::Request;
use crate::registry::{Identity, Place, Refusal, Registry, identify, identity};
use crate::state::Rows;
use std::net::IpAddr;

/// Tables whose changes change what clients may do.
pub(super) const TABLES: &[&str] = identity::TABLES;

/// What a client with a certificate may do.
#[derive(Debug)]
pub(super) struct Rights {
    identity: Identity,
    place: Place,
    clock: Clock,
    source: IpAddr,
}

/// The rights of a certificate, at an address; `None` if it is not registered, or does not count.
pub(super) fn of(
    rows: &dyn Rows,
    registry: &Registry,
    certificate: &[u8],
    source: IpAddr,
) -> Result<Option<Rights>, Refusal> {
    let Registry { place, clock, .. } = registry;
    let identity = identify(rows, certificate)?;
    let counts = identity.filter(|identity| identity.certificate.holds(clock.now()));
    let (place, clock) = (place.clone(), clock.clone());
    Ok(counts.map(|identity| Rights { identity, place, clock, source }))
}

impl Rights {
    /// The thing that a client is, if it is one.
    pub(super) fn thing(&self, client: &str) -> Option<&str> {
        self.identity.thing(Some(client)).map(|thing| thing.name.as_str())
    }

    /// Whether a client may connect by this name.
    pub(super) fn connect(&self, client: &str, how: &[&str]) -> bool {
        let what = format!("client/{client}");
        self.ask(client, &Request { action: "iot:Connect", connect: how, ..what_of(&what) })
    }

    /// Whether a client may publish, and have what it publishes retained.
    pub(super) fn publish(&self, client: &str, topic: &str, retain: bool) -> bool {
        let what = format!("topic/{topic}");
        let may = |action| self.ask(client, &Request { action, ..what_of(&what) });
        may("iot:Publish") && (!retain || may("iot:RetainPublish"))
    }

    /// Whether a client may subscribe, and receive whatever the filter matches.
    pub(super) fn subscribe(&self, client: &str, filter: &str) -> bool {
        let (what, all) = (format!("topicfilter/{filter}"), format!("topic/{filter}"));
        self.ask(client, &Request { action: "iot:Subscribe", ..what_of(&what) })
            && self.ask(client, &Request { action: "iot:Receive", all: true, ..what_of(&all) })
    }

    fn ask(&self, client: &str, request: &Request<'_>) -> bool {
        let resource = self.place.arn("iot", request.resource);
        let request = Request {
            resource: &resource,
            client_id: Some(client),
            source: Some(self.source),
            ..*request
        };
        self.identity.authorize(&request, self.clock.now()).is_allowed()
    }
}

/// What is wanted of it is yet to be said.
fn what_of(what: &str) -> Request<'_> {
    Request { resource: what, ..Request::default() }
}
