//! Door for wasm guests: `gg:host/mqtt`.

use super::{Mqtt, Subscription};
use crate::bindings::gg::host::{mqtt as wit, types};
use crate::capability::door::{self, Lent, View};
use crate::cloud::{self, Publication};
use crate::error::Result;
use std::sync::Arc;
use wasmtime::component::{Linker, Resource};

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Mqtt>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Lent<Mqtt>>(linker, view)
}

impl View<'_, Mqtt> {
    fn subscription(&mut self, handle: &Resource<wit::Subscription>) -> Result<&mut Subscription> {
        Ok(self.table.get_mut(&door::key::<Subscription, _>(handle))?)
    }
}

impl wit::Host for View<'_, Mqtt> {
    async fn publish(&mut self, publication: wit::Publication) -> Result<()> {
        self.core.publish(self.caller, Arc::new(publication.into())).await
    }

    async fn subscribe(
        &mut self,
        filter: String,
        qos: types::Qos,
    ) -> Result<Resource<wit::Subscription>> {
        let subscription = self.core.subscribe(self.caller, &filter, qos.into(), None).await?;
        Ok(door::handle(&self.table.push(subscription)?))
    }

    fn connected(&mut self) -> wasmtime::Result<bool> {
        Ok(self.core.connected())
    }
}

impl wit::HostSubscription for View<'_, Mqtt> {
    async fn next(
        &mut self,
        handle: Resource<wit::Subscription>,
    ) -> Result<Option<wit::Publication>> {
        Ok(self.subscription(&handle)?.next().await.map(to_wit))
    }

    async fn next_timeout(
        &mut self,
        handle: Resource<wit::Subscription>,
        timeout_ms: u32,
    ) -> Result<Option<wit::Publication>> {
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

fn to_wit(message: Arc<Publication>) -> wit::Publication {
    // The last subscriber to read a message takes what it says; the others copy it.
    let message = Arc::unwrap_or_clone(message);
    let format = match message.payload_format {
        Some(cloud::PayloadFormat::Bytes) => Some(types::PayloadFormat::Binary),
        // MQTT says of a payload that it is text, and not that the text is JSON.
        Some(cloud::PayloadFormat::Utf8) => {
            let json = serde_json::from_slice::<serde::de::IgnoredAny>(&message.payload);
            json.is_ok().then_some(types::PayloadFormat::Json)
        }
        None => None,
    };
    let properties = message.user_properties.into_iter();
    wit::Publication {
        topic: message.topic,
        payload: message.payload.into(),
        qos: match message.qos {
            cloud::Qos::AtMostOnce => types::Qos::AtMostOnce,
            cloud::Qos::AtLeastOnce => types::Qos::AtLeastOnce,
        },
        retain: message.retain,
        format,
        content_type: message.content_type,
        response_topic: message.response_topic,
        correlation_data: message.correlation_data.map(Into::into),
        message_expiry: message.message_expiry,
        user_properties: properties.map(|(key, value)| wit::UserProperty { key, value }).collect(),
    }
}

impl From<wit::Publication> for Publication {
    fn from(publication: wit::Publication) -> Self {
        let properties = publication.user_properties.into_iter();
        Self {
            topic: publication.topic,
            payload: publication.payload.into(),
            qos: publication.qos.into(),
            retain: publication.retain,
            payload_format: publication.format.map(|format| match format {
                types::PayloadFormat::Binary => cloud::PayloadFormat::Bytes,
                types::PayloadFormat::Json => cloud::PayloadFormat::Utf8,
            }),
            content_type: publication.content_type,
            response_topic: publication.response_topic,
            correlation_data: publication.correlation_data.map(Into::into),
            message_expiry: publication.message_expiry,
            user_properties: properties
                .map(|wit::UserProperty { key, value }| (key, value))
                .collect(),
            ..Self::default()
        }
    }
}

impl From<types::Qos> for cloud::Qos {
    fn from(qos: types::Qos) -> Self {
        match qos {
            types::Qos::AtMostOnce => Self::AtMostOnce,
            types::Qos::AtLeastOnce => Self::AtLeastOnce,
        }
    }
}
