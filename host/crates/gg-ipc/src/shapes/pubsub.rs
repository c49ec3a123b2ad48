//! Local topics.

use crate::blob::Blob;
use crate::document::ObjectText;

shapes! {
    /// Publish to a local topic.
    pub struct PublishToTopicRequest {
        /// The topic.
        pub topic: String,
        /// The message.
        pub publish_message: PublishMessage,
    }

    /// It is published.
    pub struct PublishToTopicResponse {}

    /// Subscribe to local topics.
    pub struct SubscribeToTopicRequest {
        /// The filter.
        pub topic: String,
        /// Whose messages; what is absent depends on the filter.
        pub receive_mode: Option<ReceiveMode>,
    }

    /// Messages follow.
    #[derive(Default)]
    pub struct SubscribeToTopicResponse {
        /// Deprecated; no server sets it.
        pub topic_name: Option<String>,
    }

    /// JSON on a topic.
    pub struct JsonMessage {
        /// The JSON.
        pub message: ObjectText,
        /// Where it was published; servers set it, clients do not.
        pub context: Option<MessageContext>,
    }

    /// Bytes on a topic.
    pub struct BinaryMessage {
        /// The bytes.
        pub message: Blob,
        /// Where they were published; servers set it, clients do not.
        pub context: Option<MessageContext>,
    }

    /// Where a message was published.
    pub struct MessageContext {
        /// The topic.
        pub topic: String,
    }
}

unions! {
    /// A message to publish.
    pub enum PublishMessage {
        /// JSON.
        JsonMessage(JsonMessage) = "jsonMessage",
        /// Bytes.
        BinaryMessage(BinaryMessage) = "binaryMessage",
    }

    /// A message for a subscriber, of the kind that was published.
    pub enum SubscriptionResponseMessage {
        /// JSON.
        JsonMessage(JsonMessage) = "jsonMessage",
        /// Bytes.
        BinaryMessage(BinaryMessage) = "binaryMessage",
    }
}

words! {
    /// Whose messages a subscriber gets.
    pub enum ReceiveMode {
        /// Its own as well.
        ReceiveAllMessages = "RECEIVE_ALL_MESSAGES",
        /// Not its own.
        ReceiveMessagesFromOthers = "RECEIVE_MESSAGES_FROM_OTHERS",
    }
}
