//! The messages of a call, each with what both sides must keep to.
//!
//! ```text
//! client                              server
//! request: operation, payload   ──▶
//!                               ◀──  response, the last message unless the call is a subscription
//!                               ◀──  events
//! end                           ──▶  or ◀── error or end
//! ```

use super::JSON;
use crate::error::OperationError;
use crate::operation::{Call, Operation};
use crate::payload::{Payload, PayloadError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// A stream of a connection: a number from 1 on, which the client counts up. None is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(i32);

/// Whether a message of a call carries what was asked for, or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A request, response, event, or nothing.
    Message,
    /// An error.
    Error,
}

/// The operation that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// One of the model.
    Known(Operation),
    /// Another; to be answered with [`ErrorCode::Service`](crate::error::ErrorCode::Service).
    Unknown(String),
}

/// A message of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamMessage {
    /// The call's stream.
    pub stream: StreamId,
    /// What it carries.
    pub kind: StreamKind,
    /// Whether it is the sender's last. It takes no answer then.
    pub terminate: bool,
    /// What is called; only the first message of a stream says it.
    pub operation: Option<Requested>,
    /// The shape of the payload. Clients insist on it; what a request says means nothing.
    pub model_type: Option<Cow<'static, str>>,
    /// The format of the payload. Clients insist on `application/json`; requests may lack it.
    pub content_type: Option<Cow<'static, str>>,
    /// A shape as JSON, or nothing.
    pub payload: Payload,
}

/// Why a client did not get what it waited for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// The operation failed.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The operation failed in a way that the model does not know.
    #[error("the nucleus failed, with an error of the unknown shape `{0}`")]
    Unmodelled(String),
    /// The stream ended instead.
    #[error("the nucleus ended the stream")]
    Ended,
    /// It is of another shape.
    #[error("expected the shape `{expected}`, came `{came}`")]
    WrongShape {
        /// The shape that was expected.
        expected: &'static str,
        /// The one that came.
        came: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

impl StreamId {
    /// The first stream of a connection.
    pub const FIRST: Self = Self(1);

    /// The stream with this number, unless it is that of the connection or negative.
    pub fn new(number: i32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The stream after this one. After 2³¹ calls a connection has none left.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl Requested {
    /// The operation with a name like `aws.greengrass#PublishToTopic`.
    pub fn by_name(name: &str) -> Self {
        match Operation::by_name(name) {
            Some(operation) => Self::Known(operation),
            None => Self::Unknown(name.to_owned()),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(operation) => operation.name(),
            Self::Unknown(name) => name,
        }
    }
}

/// What is sent.
impl StreamMessage {
    /// The first message of a call.
    pub fn request<C: Call>(stream: StreamId, request: &C::Request) -> Result<Self, PayloadError> {
        let operation = Some(Requested::Known(C::OPERATION));
        Ok(Self { operation, ..Self::of(stream, C::OPERATION.request_type(), request)? })
    }

    /// The answer to it. It ends the stream, unless events follow.
    pub fn response<C: Call>(
        stream: StreamId,
        response: &C::Response,
    ) -> Result<Self, PayloadError> {
        let terminate = !C::OPERATION.is_streaming();
        Ok(Self { terminate, ..Self::of(stream, C::OPERATION.response_type(), response)? })
    }

    /// What a subscription is about; only after the response. A copy with another stream shares
    /// the payload.
    pub fn event<C: Call>(stream: StreamId, event: &C::Event) -> Result<Self, PayloadError> {
        Self::of(stream, C::OPERATION.event_type().unwrap_or_default(), event)
    }

    /// The answer instead of a response, or of further events.
    pub fn error(stream: StreamId, error: &OperationError) -> Result<Self, PayloadError> {
        Ok(Self {
            kind: StreamKind::Error,
            terminate: true,
            model_type: Some(error.code.model_type().into()),
            content_type: Some(JSON.into()),
            payload: error.to_payload()?,
            ..Self::end(stream)
        })
    }

    /// The end of a stream, from either side.
    pub fn end(stream: StreamId) -> Self {
        Self {
            stream,
            kind: StreamKind::Message,
            terminate: true,
            operation: None,
            model_type: None,
            content_type: None,
            payload: Payload::default(),
        }
    }

    fn of(
        stream: StreamId,
        model_type: &'static str,
        shape: &impl Serialize,
    ) -> Result<Self, PayloadError> {
        Ok(Self {
            terminate: false,
            model_type: Some(model_type.into()),
            content_type: Some(JSON.into()),
            payload: Payload::of(shape)?,
            ..Self::end(stream)
        })
    }
}

/// What came.
impl StreamMessage {
    /// For a server: what the call is asked to do.
    pub fn read_request<C: Call>(&self) -> Result<C::Request, PayloadError> {
        self.payload.read()
    }

    /// For a client: the response, which is the first message that comes.
    pub fn read_response<C: Call>(&self) -> Result<C::Response, ReplyError> {
        self.read_reply(C::OPERATION.response_type())
    }

    /// For a client: an event, which is every further one.
    pub fn read_event<C: Call>(&self) -> Result<C::Event, ReplyError> {
        self.read_reply(C::OPERATION.event_type().unwrap_or_default())
    }

    fn read_reply<T: DeserializeOwned>(&self, expected: &'static str) -> Result<T, ReplyError> {
        let came = self.model_type.as_deref();
        if self.kind == StreamKind::Error {
            return Err(match OperationError::from_payload(came, &self.payload) {
                Some(error) => error.into(),
                None => ReplyError::Unmodelled(came.unwrap_or_default().to_owned()),
            });
        }
        match came {
            Some(came) if came == expected => Ok(self.payload.read()?),
            None if self.terminate => Err(ReplyError::Ended),
            came => {
                let came = came.unwrap_or_default().to_owned();
                Err(ReplyError::WrongShape { expected, came })
            }
        }
    }
}
