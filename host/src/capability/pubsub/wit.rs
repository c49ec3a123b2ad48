//! Door for wasm guests: `gg:host/pubsub`.

use super::{Message, PayloadFormat, PubSub, Publisher, SubscribeOptions, Subscription, next_any};
use crate::bindings::gg::host::{pubsub as wit, types};
use crate::capability::caller::Caller;
use crate::capability::door;
use crate::error::{Error, Result};
use gg_model::{ReceiveMode, WhenFull};
use std::sync::Arc;
use std::task::Poll;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// What the door needs of a guest's store.
#[expect(missing_debug_implementations, reason = "borrows for the length of one call")]
pub struct View<'a> {
    /// The core.
    pub pubsub: &'a PubSub,
    /// The instance's publishing end.
    pub publisher: &'a mut Publisher,
    /// Who asks.
    pub caller: &'a Caller,
    /// The guest's resources.
    pub table: &'a mut ResourceTable,
    /// Which subscription `next-any` looks at first.
    pub turn: &'a mut usize,
}

/// Names [`View`] for the linker.
#[derive(Debug)]
pub struct Door;

impl HasData for Door {
    type Data<'a> = View<'a>;
}

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Door>(linker, view)
}

impl View<'_> {
    fn subscription(&mut self, handle: &Resource<wit::Subscription>) -> Result<&mut Subscription> {
        Ok(self.table.get_mut(&door::key::<Subscription, _>(handle))?)
    }
}

impl types::Host for View<'_> {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<types::Error> {
        Ok(door::to_wit(error))
    }
}

impl wit::Host for View<'_> {
    async fn publish(
        &mut self,
        topic: String,
        payload: Vec<u8>,
        format: types::PayloadFormat,
    ) -> Result<()> {
        self.publisher.publish(&topic, payload, format.into()).await
    }

    fn subscribe(&mut self, filter: String) -> Result<Resource<wit::Subscription>> {
        let subscription =
            self.pubsub.subscribe(self.caller, &filter, SubscribeOptions::default())?;
        Ok(door::handle(&self.table.push(subscription)?))
    }

    fn subscribe_with(
        &mut self,
        filter: String,
        options: wit::SubscribeOptions,
    ) -> Result<Resource<wit::Subscription>> {
        let subscription = self.pubsub.subscribe(self.caller, &filter, options.into())?;
        Ok(door::handle(&self.table.push(subscription)?))
    }

    async fn next_any(
        &mut self,
        subscriptions: Vec<Resource<wit::Subscription>>,
        timeout_ms: Option<u32>,
    ) -> Result<Option<wit::Arrival>> {
        *self.turn = self.turn.wrapping_add(1);
        let keys: Vec<_> = subscriptions.iter().map(door::key::<Subscription, _>).collect();
        let table = &mut *self.table;
        let next = next_any(keys.len(), *self.turn, self.caller, |index, cx| {
            table.get_mut(&keys[index]).map_or(Poll::Pending, |entry| entry.poll_next(cx))
        });
        let found = match timeout_ms {
            None => next.await,
            Some(timeout_ms) => door::within(timeout_ms, next).await.flatten(),
        };
        Ok(found.map(|(index, message)| wit::Arrival {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            message: to_wit(message),
        }))
    }
}

impl wit::HostSubscription for View<'_> {
    async fn next(
        &mut self,
        handle: Resource<wit::Subscription>,
    ) -> Result<Option<types::MessageResult>> {
        Ok(self.subscription(&handle)?.next().await.map(to_wit))
    }

    async fn next_timeout(
        &mut self,
        handle: Resource<wit::Subscription>,
        timeout_ms: u32,
    ) -> Result<Option<types::MessageResult>> {
        let subscription = self.subscription(&handle)?;
        if timeout_ms == 0 {
            return Ok(subscription.try_next().map(to_wit));
        }
        Ok(door::within(timeout_ms, subscription.next()).await.flatten().map(to_wit))
    }

    fn dropped(&mut self, handle: Resource<wit::Subscription>) -> wasmtime::Result<u32> {
        Ok(self.subscription(&handle)?.dropped())
    }

    fn drop(&mut self, handle: Resource<wit::Subscription>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Subscription, _>(&handle))?;
        Ok(())
    }
}

fn to_wit(message: Arc<Message>) -> types::MessageResult {
    let origin = types::Origin::Local;
    // The last subscriber to read a message takes its bytes; the others copy them.
    match Arc::try_unwrap(message) {
        Ok(Message { topic, payload, format }) => types::MessageResult {
            topic: topic.as_ref().to_owned(),
            payload,
            format: format.into(),
            origin,
        },
        Err(shared) => types::MessageResult {
            topic: shared.topic.as_ref().to_owned(),
            payload: shared.payload.clone(),
            format: shared.format.into(),
            origin,
        },
    }
}

impl From<types::PayloadFormat> for PayloadFormat {
    fn from(format: types::PayloadFormat) -> Self {
        match format {
            types::PayloadFormat::Binary => Self::Binary,
            types::PayloadFormat::Json => Self::Json,
        }
    }
}

impl From<PayloadFormat> for types::PayloadFormat {
    fn from(format: PayloadFormat) -> Self {
        match format {
            PayloadFormat::Binary => Self::Binary,
            PayloadFormat::Json => Self::Json,
        }
    }
}

impl From<wit::SubscribeOptions> for SubscribeOptions {
    fn from(options: wit::SubscribeOptions) -> Self {
        Self {
            receive_mode: options.receive_mode.map(|mode| match mode {
                wit::ReceiveMode::All => ReceiveMode::All,
                wit::ReceiveMode::FromOthers => ReceiveMode::FromOthers,
            }),
            queue: options.queue,
            when_full: options.when_full.map(|rule| match rule {
                wit::WhenFull::Block => WhenFull::Block,
                wit::WhenFull::DropNewest => WhenFull::DropNewest,
                wit::WhenFull::DropOldest => WhenFull::DropOldest,
            }),
        }
    }
}
