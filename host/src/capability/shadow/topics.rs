//! Requests by messages: who may publish to the topics of a shadow asks for it, and is answered on
//! the topics below, as with shadow manager. Local topics are guarded by their own policy alone.

use super::{Shadows, manager};
use crate::capability::pubsub::{PubSub, SubscribeOptions, Subscription};
use crate::error::Result;
use crate::tasks::Tasks;
use gg_model::shadow::ShadowTopic;
use gg_model::{ReceiveMode, ThingName};
use tokio_util::sync::CancellationToken;

/// All topics of shadows: those of requests among them, so that their order is kept.
const FILTER: &str = "$aws/things/+/shadow/#";

/// Listens for requests.
#[derive(Debug)]
pub struct Requests {
    shadows: Shadows,
    subscription: Subscription,
}

impl Requests {
    /// Begin to listen.
    ///
    /// # Errors
    /// The topics cannot be subscribed to.
    pub fn listen(shadows: Shadows, pubsub: &PubSub, thing: ThingName) -> Result<Self> {
        let manager = manager(thing);
        let options = SubscribeOptions {
            // Not the answers.
            receive_mode: Some(ReceiveMode::FromOthers),
            queue: Some(manager.limits().queue),
            when_full: None,
        };
        let subscription = pubsub.subscribe(&manager, FILTER, options)?;
        Ok(Self { shadows, subscription })
    }

    /// Serve requests until asked to stop: those of one shadow in the order in which they came.
    pub async fn serve(mut self, tasks: Tasks, stop: CancellationToken) {
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                message = self.subscription.next() => message,
            };
            let Some(message) = message else { return };
            let topic = ShadowTopic::parse(message.topic.as_ref());
            // A thing or a shadow whose name is none; what is not asked.
            let Some(ShadowTopic { shadow, operation, suffix: None }) = topic else { continue };
            let turn = self.shadows.turn(&shadow).await;
            let shadows = self.shadows.clone();
            tasks.spawn(async move {
                // It is answered by messages.
                let _told = shadows.carry_out(turn, &shadow, operation, &message.payload).await;
            });
        }
    }
}
