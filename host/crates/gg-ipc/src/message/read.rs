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
        let [kind, flags, stream, ..] = find(&headers);
        let kind = int(kind, name::TYPE)?;
        let flags = int(flags, name::FLAGS)?;
        let stream = int(stream, name::STREAM)?;
        match (kind, StreamId::new(stream)) {
            (kind::APPLICATION_MESSAGE, Some(stream)) => {
                Ok(read_stream(stream, StreamKind::Message, flags, &headers, payload))
            }
            (kind::APPLICATION_ERROR, Some(stream)) => {
                Ok(read_stream(stream, StreamKind::Error, flags, &headers, payload))
            }
            (kind::PING..=kind::INTERNAL_ERROR, None) if stream == 0 => {
                read_connection(kind, flags, &headers, payload)
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
    payload: Payload,
) -> Result<Message, MessageError> {
    let [_, _, _, version, ..] = find(headers);
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
    headers: &Headers,
    payload: Payload,
) -> Message {
    let [_, _, _, _, content_type, operation, model_type] = find(headers);
    let operation = text(operation).map(Requested::by_name);
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
        content_type: intern(content_type, JSON),
        model_type: intern(model_type, request_type),
        operation,
        payload,
    })
}

/// The values of the headers that have a meaning; of those with the same name, of the first.
fn find(headers: &Headers) -> [Option<HeaderValue<'_>>; 7] {
    const NAMES: [&str; 7] = [
        name::TYPE,
        name::FLAGS,
        name::STREAM,
        name::VERSION,
        name::CONTENT_TYPE,
        name::OPERATION,
        name::MODEL_TYPE,
    ];
    let mut found = [None; 7];
    for (name, value) in headers.iter() {
        if let Some(index) = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)) {
            found[index].get_or_insert(value);
        }
    }
    found
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
