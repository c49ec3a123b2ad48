//! From messages to bytes.

use super::{Connect, JSON, MAX_REASON_BYTES, Message, Ping, StreamKind, StreamMessage};
use super::{flag, kind, name};
use crate::frame::{self, EncodeError};
use crate::header::{HeaderError, HeaderValue, put};
use crate::text::cut;
use serde_json::json;

impl Message {
    /// Append the message's bytes, at most `limit`. After an error nothing is appended.
    pub fn encode(&self, limit: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Connect(Connect { version, payload }) => {
                frame::write(limit, payload, out, |out| {
                    put_text(out, name::VERSION, version.as_deref())?;
                    put_three(out, kind::CONNECT, 0, 0)
                })
            }
            Self::ConnectAck { accepted } => frame::write(limit, &[], out, |out| {
                let flags = if *accepted { flag::CONNECTION_ACCEPTED } else { 0 };
                put_three(out, kind::CONNECT_ACK, flags, 0)
            }),
            Self::Ping(ping) => encode_ping(kind::PING, ping, limit, out),
            Self::PingResponse(ping) => encode_ping(kind::PING_RESPONSE, ping, limit, out),
            Self::ProtocolError(reason) => encode_end(kind::PROTOCOL_ERROR, reason, limit, out),
            Self::InternalError(reason) => encode_end(kind::INTERNAL_ERROR, reason, limit, out),
            Self::Stream(message) => message.encode(limit, out),
        }
    }
}

impl StreamMessage {
    /// Append the message's bytes, at most `limit`. After an error nothing is appended.
    pub fn encode(&self, limit: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let kind = match self.kind {
            StreamKind::Message => kind::APPLICATION_MESSAGE,
            StreamKind::Error => kind::APPLICATION_ERROR,
        };
        let flags = if self.terminate { flag::TERMINATE_STREAM } else { 0 };
        frame::write(limit, &self.payload, out, |out| {
            put_three(out, kind, flags, self.stream.number())?;
            put_text(out, name::CONTENT_TYPE, self.content_type.as_deref())?;
            put_text(out, name::MODEL_TYPE, self.model_type.as_deref())?;
            put_text(out, name::OPERATION, self.operation.as_ref().map(|one| one.name()))
        })
    }
}

fn encode_ping(kind: i32, ping: &Ping, limit: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    frame::write(limit, &ping.payload, out, |out| {
        put_three(out, kind, 0, 0)?;
        out.extend_from_slice(ping.headers.as_bytes());
        Ok(())
    })
}

fn encode_end(kind: i32, reason: &str, limit: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let payload = json!({ "message": cut(reason.to_owned(), MAX_REASON_BYTES) }).to_string();
    frame::write(limit, payload.as_bytes(), out, |out| {
        put_three(out, kind, 0, 0)?;
        put_text(out, name::CONTENT_TYPE, Some(JSON))
    })
}

fn put_three(out: &mut Vec<u8>, kind: i32, flags: i32, stream: i32) -> Result<(), HeaderError> {
    put(out, name::TYPE, HeaderValue::Int32(kind))?;
    put(out, name::FLAGS, HeaderValue::Int32(flags))?;
    put(out, name::STREAM, HeaderValue::Int32(stream))
}

fn put_text(out: &mut Vec<u8>, name: &str, text: Option<&str>) -> Result<(), HeaderError> {
    match text {
        Some(text) => put(out, name, HeaderValue::String(text)),
        None => Ok(()),
    }
}
