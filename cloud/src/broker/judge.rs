//! What a client may do, as the library asks.

use super::client::{Client, Said};
use crate::registry::connections::Reason;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The longest that a client waits for the one before it.
const HANDOVER: Duration = Duration::from_secs(5);

/// MQTT 3.1.1's version.
const OLD: u8 = 4;

impl AuthProvider for Client {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            if !self.may_connect(connect).await {
                return Ok(AuthResult::fail(ReasonCode::NotAuthorized));
            }
            self.after_the_one_before().await;
            self.forget_what_it_may_not_receive().await;
            // The library gives the name of a user to all who receive what it publishes. Sessions belong
            // to clients' names, as with AWS, and a renewed certificate finds them; so there are no users.
            Ok(AuthResult::success())
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        _: &str,
        _: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            self.pace().await;
            let allowed = self.may_publish(topic, false).await;
            if allowed {
                return true;
            }
            self.refused("publish", topic);
            // To MQTT 3.1.1 the library says it in words of MQTT 5. So it is let through here, and caught
            // where it is published (`events`); a will is not published there.
            let is_will = self.said.get().is_some_and(|said| said.will.as_deref() == Some(topic));
            if self.is_old() && is_will {
                self.hang_up(Reason::AuthError);
            }
            self.is_old() && !is_will
        })
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _: &str,
        _: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            self.pace().await;
            let allowed = self.may_subscribe(filter).await;
            if !allowed {
                self.refused("subscribe", filter);
            }
            allowed
        })
    }
}

impl Client {
    /// Whether it may connect by this name and with this will.
    async fn may_connect(&self, connect: &ConnectPacket) -> bool {
        let will = connect.will.as_ref().map(|will| will.topic.clone());
        let is_old = connect.protocol_version == OLD;
        let how = [(!connect.clean_start, "PersistentConnect"), (will.is_some(), "LastWill")];
        let how = how.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
        let _is_first = self.said.set(Said { name: connect.client_id.clone(), is_old, will, how });
        if self.rights_to_stay().await.is_none() {
            self.refused("connect", self.name());
            return false;
        }
        let Some(will) = &connect.will else { return true };
        // The control plane is not spoken to by those who are gone.
        let may = !will.topic.starts_with('$') && self.may_publish(&will.topic, will.retain).await;
        if !may {
            self.refused("publish a will", &will.topic);
        }
        may
    }

    /// Let one that is connected by the same name go first. The library would do it, but say it to
    /// MQTT 3.1.1 in words of MQTT 5.
    async fn after_the_one_before(&self) {
        if let Some(before) = self.broker.clients().find(self.name()).filter(|it| it.is_old()) {
            before.hang_up(Reason::DuplicateClientid);
            let _went = timeout(HANDOVER, before.gone.cancelled()).await;
        }
    }

    /// Of what waits for it nobody knows by which subscription it came. Where one is not allowed any
    /// more, all goes.
    async fn forget_what_it_may_not_receive(&self) {
        for filter in self.broker.engine().subscriptions(self.name()).await {
            if !self.may_subscribe(&filter).await {
                return self.broker.engine().forget_waiting(self.name()).await;
            }
        }
    }
}
