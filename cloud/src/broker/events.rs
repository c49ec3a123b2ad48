//! What a client does, as the library tells.

use super::client::Client;
use super::inbound;
use crate::registry::Refusal;
use crate::registry::connections::{self, Reason};
use crate::registry::provisioning::{self, Answer, Asked};
use crate::state::Transaction;
use mqtt5::QoS;
use mqtt5::broker::{
    BrokerEventHandler, ClientConnectEvent, ClientDisconnectEvent, ClientPublishEvent,
    ClientUnsubscribeEvent, PublishAction,
};
use mqtt5::packet::publish::PublishPacket;
use std::pin::Pin;

type Done<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl BrokerEventHandler for Client {
    fn on_client_connect<'a>(&'a self, _: ClientConnectEvent) -> Done<'a, ()> {
        Box::pin(async move {
            if let Some(me) = self.me() {
                self.broker.clients().insert(&me);
            }
            // From here on a change of the rules finds it. One that came before is found here.
            let rights = self.rights_to_stay().await;
            if rights.is_none() {
                self.hang_up(Reason::AuthError);
            }
            let thing = rights.and_then(|rights| rights.thing(self.name()).map(str::to_owned));
            let since = self.broker.registry().clock.now();
            let _is_first = self.began.set((since, thing.clone()));
            let (Some(thing), client) = (thing, self.name().to_owned()) else { return };
            let change = self.broker.turns().change(Box::new(move |transaction| {
                connections::begin(transaction, &thing, &client, since)
            }));
            // What fails is in the log, and the connection is no worse for it.
            let _said = change.await;
        })
    }

    fn on_client_disconnect<'a>(&'a self, event: ClientDisconnectEvent) -> Done<'a, ()> {
        Box::pin(async move {
            let Some((since, Some(thing))) = self.began.get().cloned() else { return };
            let client = self.name().to_owned();
            let ended = (self.broker.registry().clock.now(), self.ended(!event.unexpected));
            let change = self.broker.turns().change(Box::new(move |transaction| {
                connections::end(transaction, &thing, &client, since, ended)
            }));
            let _said = change.await;
        })
    }

    fn on_client_unsubscribe<'a>(&'a self, _: ClientUnsubscribeEvent) -> Done<'a, ()> {
        Box::pin(self.pace())
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Done<'a, PublishAction> {
        Box::pin(async move {
            let topic = event.topic.as_ref();
            // Whether it may at all was asked of clients with MQTT 5; whether it may retain, of nobody.
            if (self.is_old() || event.retain) && !self.may_publish(topic, event.retain).await {
                self.refused("publish", topic);
                self.hang_up(Reason::AuthError);
                return unanswered();
            }
            if !topic.starts_with('$') {
                return PublishAction::Continue;
            }
            if let Some(asked) = Asked::at(topic) {
                return match self.provision(asked, &event).await {
                    // What is asked is for nobody else, no more than the answer is.
                    Ok(()) => PublishAction::Handled,
                    Err(_) => {
                        self.hang_up(Reason::ServerInitiatedDisconnect);
                        unanswered()
                    }
                };
            }
            if self.ask(&event).await.is_err() {
                // It is sent again once the client is connected again.
                self.hang_up(Reason::ServerInitiatedDisconnect);
                return unanswered();
            }
            match event.retain {
                false => PublishAction::Continue,
                true => PublishAction::Transform(unretained(event)),
            }
        })
    }
}

impl Client {
    /// Have the control plane do what is asked of it. Once this returns, it lasts.
    async fn ask(&self, event: &ClientPublishEvent) -> Result<(), Refusal> {
        let (topic, payload) = (event.topic.clone(), event.payload.clone());
        let clock = self.broker.registry().clock.clone();
        let work = move |transaction: &mut dyn Transaction| {
            inbound::handle(transaction, &topic, &payload, clock.now())
        };
        self.broker.turns().change(Box::new(work)).await
    }

    /// Answer a device that asks for its certificate, or to become what a template says.
    async fn provision(&self, asked: Asked, event: &ClientPublishEvent) -> Result<(), Refusal> {
        let (registry, payload) = (self.broker.registry().clone(), event.payload.clone());
        let inside = registry.clone();
        let work = move || provisioning::answer(&inside, &asked, &payload);
        let Answer { is_accepted, payload } = registry.blocking(work).await?;
        let end = if is_accepted { "accepted" } else { "rejected" };
        let topic = format!("{}/{end}", event.topic);
        self.broker.engine().tell(self.name(), topic, payload).await;
        Ok(())
    }
}

/// What the library does with a message that is not to be acknowledged: it sends nothing to a topic that
/// no filter can name.
fn unanswered() -> PublishAction {
    PublishAction::Transform(PublishPacket::new("$\0", "", QoS::AtMostOnce))
}

/// What is asked of the control plane is not kept for others.
fn unretained(event: ClientPublishEvent) -> PublishPacket {
    let mut packet = PublishPacket::new(event.topic.as_ref(), event.payload, event.qos);
    packet.packet_id = event.packet_id;
    packet
}
