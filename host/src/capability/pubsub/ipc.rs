//! Door for components outside the sandbox: local topics of Greengrass IPC.

use super::{Message, PayloadFormat, PubSub, Publisher, SubscribeOptions};
use crate::capability::caller::Caller;
use crate::capability::door::{Follow, Served};
use bytes::Bytes;
use futures_util::stream::unfold;
use gg_ipc::ObjectText;
use gg_ipc::shapes::{
    BinaryMessage, JsonMessage, MessageContext, PublishMessage, PublishToTopicRequest,
    PublishToTopicResponse, ReceiveMode, SubscribeToTopicRequest, SubscribeToTopicResponse,
    SubscriptionResponseMessage,
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// PublishToTopic.
pub(crate) async fn publish(
    publisher: &Mutex<Publisher>,
    request: PublishToTopicRequest,
) -> Served<PublishToTopicResponse> {
    let (payload, format) = match request.publish_message {
        PublishMessage::BinaryMessage(binary) => (binary.message.0, PayloadFormat::Binary),
        PublishMessage::JsonMessage(json) => (json.message.into_bytes(), PayloadFormat::Json),
    };
    publisher.lock().await.publish(&request.topic, payload.into(), format).await?;
    Ok(PublishToTopicResponse {})
}

/// SubscribeToTopic.
pub(crate) fn subscribe(
    pubsub: &PubSub,
    caller: &Caller,
    request: SubscribeToTopicRequest,
) -> Served<(SubscribeToTopicResponse, Follow<SubscriptionResponseMessage>)> {
    let receive_mode = request.receive_mode.map(|mode| match mode {
        ReceiveMode::ReceiveAllMessages => gg_model::ReceiveMode::All,
        ReceiveMode::ReceiveMessagesFromOthers => gg_model::ReceiveMode::FromOthers,
    });
    // Its SDKs know no queue, and expect one without an end.
    let queue = Some(caller.limits().queue);
    let options = SubscribeOptions { receive_mode, queue, when_full: None };
    let subscription = pubsub.subscribe(caller, &request.topic, options)?;
    let events = unfold(subscription, async |mut subscription| {
        let message = subscription.next().await?;
        Some((event(message), subscription))
    });
    Ok((SubscribeToTopicResponse::default(), Box::pin(events)))
}

/// JSON is told apart only where it is an object: the SDKs take no other.
fn event(message: Arc<Message>) -> SubscriptionResponseMessage {
    let context = Some(MessageContext { topic: message.topic.as_ref().to_owned() });
    if message.format == PayloadFormat::Json
        && let Ok(text) = str::from_utf8(&message.payload)
        && let Ok(message) = ObjectText::parse(text)
    {
        return SubscriptionResponseMessage::JsonMessage(JsonMessage { message, context });
    }
    let message = Bytes::from_owner(Shared(message)).into();
    SubscriptionResponseMessage::BinaryMessage(BinaryMessage { message, context })
}

/// The payload of a message that others read as well.
struct Shared(Arc<Message>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.payload
    }
}
