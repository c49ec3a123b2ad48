//! Messages: what the frames of a connection mean.
//!
//! Three headers make a frame a message: its type, its flags, and the stream that it belongs to.
//! Stream 0 is the connection itself; every call has a stream of its own, see [`StreamMessage`].

mod read;
mod stream;
mod write;

pub use stream::{ReplyError, Requested, StreamId, StreamKind, StreamMessage};

use crate::header::{HeaderError, Headers};
use crate::payload::Payload;

/// Most bytes of what a message that ends a connection says.
const MAX_REASON_BYTES: usize = 1000;

/// The one type of content that there is.
const JSON: &str = "application/json";

/// Names of headers. They are compared without regard to case, and written like this.
mod name {
    pub(super) const TYPE: &str = ":message-type";
    pub(super) const FLAGS: &str = ":message-flags";
    pub(super) const STREAM: &str = ":stream-id";
    pub(super) const VERSION: &str = ":version";
    pub(super) const CONTENT_TYPE: &str = ":content-type";
    pub(super) const OPERATION: &str = "operation";
    pub(super) const MODEL_TYPE: &str = "service-model-type";
}

/// Values of the header [`name::TYPE`].
mod kind {
    pub(super) const APPLICATION_MESSAGE: i32 = 0;
    pub(super) const APPLICATION_ERROR: i32 = 1;
    pub(super) const PING: i32 = 2;
    pub(super) const PING_RESPONSE: i32 = 3;
    pub(super) const CONNECT: i32 = 4;
    pub(super) const CONNECT_ACK: i32 = 5;
    pub(super) const PROTOCOL_ERROR: i32 = 6;
    pub(super) const INTERNAL_ERROR: i32 = 7;
}

/// Bits of the header [`name::FLAGS`].
mod flag {
    pub(super) const CONNECTION_ACCEPTED: i32 = 1;
    pub(super) const TERMINATE_STREAM: i32 = 2;
}

/// A message of a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A client asks to be let in, see [`handshake`](crate::handshake).
    Connect(Connect),
    /// The server's answer to it. One that refuses then closes the connection.
    ConnectAck {
        /// Whether the client is let in.
        accepted: bool,
    },
    /// A question whether the other side is there. To be answered with a
    /// [`PingResponse`](Self::PingResponse) of the same content.
    Ping(Ping),
    /// The answer to a ping. It takes no answer.
    PingResponse(Ping),
    /// The other side broke the protocol, as this says. The sender closes the connection.
    ProtocolError(String),
    /// The sender failed, as this says, and closes the connection.
    InternalError(String),
    /// Part of a call.
    Stream(StreamMessage),
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    /// The version of the protocol that it speaks.
    pub version: Option<String>,
    /// Who it is.
    pub payload: Payload,
}

/// The content of a ping.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ping {
    /// Headers of the sender's own, whose names do not begin with `:`.
    pub headers: Headers,
    /// Any bytes.
    pub payload: Payload,
}

/// Why a frame is no message. To be answered with a [`Message::ProtocolError`] that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// One of the three headers is not there or not an integer of 32 bits.
    #[error("the header `{0}` is missing or not an int32")]
    Header(&'static str),
    /// There is no such type of message.
    #[error("there is no message type {0}")]
    UnknownType(i32),
    /// A message of a call on the connection's stream, or the other way round.
    #[error("a message of type {kind} does not belong on stream {stream}")]
    WrongStream {
        /// The number of its type.
        kind: i32,
        /// The number of its stream.
        stream: i32,
    },
    /// The headers of a ping cannot be echoed.
    #[error(transparent)]
    Echo(#[from] HeaderError),
}

#[cfg(test)]
mod tests;
