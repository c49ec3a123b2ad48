//! What clients may do changes while they are connected. What they do next is judged by it anyway
//! (`client`); who may not be connected any more, or not receive what it subscribed to, is cut off.

use super::client::Client;
use super::{Broker, REMEMBERED};
use crate::registry::connections::Reason;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Between two looks at all clients.
const PAUSE: Duration = Duration::from_secs(1);

/// Look at all clients when the rules change, and when they could have, until tasks are to stop.
pub(super) async fn run(broker: Broker) {
    let tasks = broker.registry().tasks.clone();
    let mut rules = broker.rules().clone();
    let review = async {
        loop {
            let _changed_or_late = timeout(REMEMBERED, rules.changed()).await;
            // The second time finds what was subscribed to at the same time as the rules changed.
            for _ in 0..2 {
                for client in broker.clients().all() {
                    if !may_stay(&client).await {
                        let (name, peer) = (client.name(), client.peer());
                        tracing::info!(client = name, %peer, "a client lost rights, and is cut off");
                        client.hang_up(Reason::AuthError);
                    }
                }
                sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        () = review => {}
        () = tasks.stopped() => {}
    }
}

async fn may_stay(client: &Client) -> bool {
    if client.rights_to_stay().await.is_none() {
        return false;
    }
    for filter in client.broker.engine().subscriptions(client.name()).await {
        if !client.may_subscribe(&filter).await {
            return false;
        }
    }
    true
}
