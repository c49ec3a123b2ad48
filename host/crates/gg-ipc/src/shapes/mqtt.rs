//! Topics of AWS IoT Core.

use crate::blob::Blob;
use crate::macros::or_empty;

shapes! {
    /// Publish to AWS IoT Core.
    pub struct PublishToIoTCoreRequest {
        /// The topic.
        pub topic_name: String,
        /// How surely it is delivered.
        pub qos: Qos,
        /// The message.
        pub payload: Blob,
        /// Whether the broker keeps it for later subscribers.
        pub retain: Option<bool>,
        /// Words of the publisher's own.
        #[serde(default, deserialize_with = "or_empty")]
        pub user_properties: Vec<UserProperty>,
        /// After how many seconds it is of no use.
        pub message_expiry_interval_seconds: Option<u32>,
        /// What an answer is to carry.
        pub correlation_data: Option<Blob>,
        /// Where an answer is to go.
        pub response_topic: Option<String>,
        /// Whether it is text.
        pub payload_format: Option<PayloadFormat>,
        /// Its format, as a MIME type.
        pub content_type: Option<String>,
    }

    /// It is published, or kept until it can be.
    pub struct PublishToIoTCoreResponse {}

    /// Subscribe to topics of AWS IoT Core.
    pub struct SubscribeToIoTCoreRequest {
        /// The filter.
        pub topic_name: String,
        /// How surely messages are delivered, at most.
        pub qos: Qos,
    }

    /// Messages follow.
    pub struct SubscribeToIoTCoreResponse {}

    /// Subscribe to the state of the connection with AWS IoT Core.
    pub struct SubscribeToIoTCoreConnectionStatusRequest {}

    /// States follow.
    pub struct SubscribeToIoTCoreConnectionStatusResponse {}

    /// A message from AWS IoT Core.
    pub struct MQTTMessage {
        /// The topic.
        pub topic_name: String,
        /// The message; absent if it is empty.
        pub payload: Option<Blob>,
        /// Whether the broker had kept it.
        pub retain: Option<bool>,
        /// Words of the publisher's own.
        #[serde(default, deserialize_with = "or_empty")]
        pub user_properties: Vec<UserProperty>,
        /// After how many seconds it is of no use.
        pub message_expiry_interval_seconds: Option<u32>,
        /// What an answer is to carry.
        pub correlation_data: Option<Blob>,
        /// Where an answer is to go.
        pub response_topic: Option<String>,
        /// Whether it is text.
        pub payload_format: Option<PayloadFormat>,
        /// Its format, as a MIME type.
        pub content_type: Option<String>,
    }

    /// A word of the publisher's own.
    pub struct UserProperty {
        /// Its name.
        pub key: String,
        /// Its value.
        pub value: String,
    }

    /// The state of the connection with AWS IoT Core.
    pub struct ConnectionStatusEvent {
        /// The state.
        pub status: ConnectionStatus,
    }
}

unions! {
    /// What a subscriber gets.
    pub enum IoTCoreMessage {
        /// A message.
        Message(MQTTMessage) = "message",
    }

    /// What a subscriber of the connection's state gets.
    pub enum IoTCoreConnectionStatusEvent {
        /// A state.
        ConnectionStatusEvent(ConnectionStatusEvent) = "connectionStatusEvent",
    }
}

words! {
    /// How surely a message is delivered.
    pub enum Qos {
        /// Once or never.
        AtMostOnce = "0",
        /// Once or more often.
        AtLeastOnce = "1",
    }

    /// Whether a payload is text.
    pub enum PayloadFormat {
        /// Any bytes.
        Bytes = "0",
        /// UTF-8.
        Utf8 = "1",
    }

    /// Whether there is a connection.
    pub enum ConnectionStatus {
        /// There is.
        Connected = "CONNECTED",
        /// There is none.
        Disconnected = "DISCONNECTED",
    }
}
