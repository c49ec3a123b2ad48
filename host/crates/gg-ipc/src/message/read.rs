//! From frames to messages.

use super::{Connect, JSON, MAX_REASON_BYTES, Message, MessageError, Ping, Requested, StreamId};
use super::{StreamKind, StreamMessage, flag, kind, name};
use crate::frame::Frame;
use crate::header::{HeaderError, HeaderValue, Headers};
use crate::payload::Payload;
use crate::text::cut;
use serde::Deserialize;
use std::borrow::Cow;

impl Message {
    /// The message that a frame is.
    pub fn read(frame: Frame) -> Result<Self, MessageError> {
        let Frame { headers, payload } = frame;
        let found = Found::of(&headers);
        let kind = int(found.kind, name::TYPE)?;
        let flags = int(found.flags, name::FLAGS)?;
        let stream = int(found.stream, name::STREAM)?;
        match (kind, StreamId::new(stream)) {
            (kind::APPLICATION_MESSAGE, Some(stream)) => {
                Ok(read_stream(stream, StreamKind::Message, flags, &found, payload))
            }
            (kind::APPLICATION_ERROR, Some(stream)) => {
                Ok(read_stream(stream, StreamKind::Error, flags, &found, payload))
            }
            (kind::PING..=kind::INTERNAL_ERROR, None) if stream == 0 => {
                read_connection(kind, flags, &headers, found.version, payload)
            }
            (kind::APPLICATION_MESSAGE..=kind::INTERNAL_ERROR, _) => {
                Err(MessageError::WrongStream { kind, stream })
            }
            _ => Err(MessageError::UnknownType(kind)),
        }
    }
}

fn read_connection(
    kind: i32,
    flags: i32,
    headers: &Headers,
    version: Option<HeaderValue<'_>>,
    payload: Payload,
) -> Result<Message, MessageError> {
    Ok(match kind {
        kind::PING => Message::Ping(ping(headers, payload)?),
        kind::PING_RESPONSE => Message::PingResponse(ping(headers, payload)?),
        kind::CONNECT => {
            Message::Connect(Connect { version: text(version).map(str::to_owned), payload })
        }
        kind::CONNECT_ACK => {
            Message::ConnectAck { accepted: flags & flag::CONNECTION_ACCEPTED != 0 }
        }
        kind::PROTOCOL_ERROR => Message::ProtocolError(reason(&payload)),
        _ => Message::InternalError(reason(&payload)),
    })
}

fn read_stream(
    stream: StreamId,
    kind: StreamKind,
    flags: i32,
    found: &Found<'_>,
    payload: Payload,
) -> Message {
    let operation = text(found.operation).map(Requested::by_name);
    // What is expected needs no copy.
    let request_type = match operation {
        Some(Requested::Known(operation)) => operation.request_type(),
        _ => "",
    };
    let intern = |found, expected: &'static str| {
        text(found).map(|found| match found == expected {
            true => Cow::Borrowed(expected),
            false => Cow::Owned(found.to_owned()),
        })
    };
    Message::Stream(StreamMessage {
        stream,
        kind,
        terminate: flags & flag::TERMINATE_STREAM != 0,
        content_type: intern(found.content_type, JSON),
        model_type: intern(found.model_type, request_type),
        operation,
        payload,
    })
}

/// The values of the headers that have a meaning; of those with the same name, of the first.
#[derive(Default)]
struct Found<'a> {
    kind: Option<HeaderValue<'a>>,
    flags: Option<HeaderValue<'a>>,
    stream: Option<HeaderValue<'a>>,
    version: Option<HeaderValue<'a>>,
    content_type: Option<HeaderValue<'a>>,
    operation: Option<HeaderValue<'a>>,
    model_type: Option<HeaderValue<'a>>,
}

impl<'a> Found<'a> {
    fn of(headers: &'a Headers) -> Self {
        let mut found = Self::default();
        for (name, value) in headers.iter() {
            let mut known = [
                (name::TYPE, &mut found.kind),
                (name::FLAGS, &mut found.flags),
                (name::STREAM, &mut found.stream),
                (name::VERSION, &mut found.version),
                (name::CONTENT_TYPE, &mut found.content_type),
                (name::OPERATION, &mut found.operation),
                (name::MODEL_TYPE, &mut found.model_type),
            ]
            .into_iter();
            if let Some((_, place)) = known.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                place.get_or_insert(value);
            }
        }
        found
    }
}

fn int(value: Option<HeaderValue<'_>>, name: &'static str) -> Result<i32, MessageError> {
    match value {
        Some(HeaderValue::Int32(value)) => Ok(value),
        _ => Err(MessageError::Header(name)),
    }
}

fn text(value: Option<HeaderValue<'_>>) -> Option<&str> {
    match value {
        Some(HeaderValue::String(text)) => Some(text),
        _ => None,
    }
}

fn ping(headers: &Headers, payload: Payload) -> Result<Ping, HeaderError> {
    let own = headers.iter().filter(|(name, _)| !name.starts_with(':'));
    Ok(Ping { headers: Headers::new(own)?, payload })
}

/// What a message that ends the connection says, if it can be read.
fn reason(payload: &Payload) -> String {
    #[derive(Deserialize)]
    struct Reason {
        message: Option<String>,
    }
    let reason = payload.read().ok().and_then(|reason: Reason| reason.message);
    cut(reason.unwrap_or_default(), MAX_REASON_BYTES)
}
