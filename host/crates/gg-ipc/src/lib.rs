//! The wire of Greengrass IPC as the AWS IoT Device SDKs speak it: bytes in, values out.
//!
//! Everything here is a value or its translation: no sockets, no clock, no threads, and no rule of
//! what an operation does. The same types serve both directions, for a server as for a client.
//! Bytes are hostile: what they say of lengths reserves nothing, and what they hold is measured
//! before it is read.
//!
//! From the bytes upwards:
//!
//! * [`frame`], [`header`]: the event stream, with its checksums.
//! * [`message`], [`handshake`]: what frames mean, and how a connection begins.
//! * [`operation`], [`error`]: what can be called, and how it fails.
//! * [`shapes`]: what is asked and answered, as JSON.
//! * [`payload`], [`blob`], [`document`], [`timestamp`], [`secret`]: what shapes are made of.
#![forbid(unsafe_code)]

mod extent;
#[macro_use]
mod macros;
#[cfg(test)]
mod testing;
mod text;

pub mod blob;
pub mod document;
pub mod error;
pub mod frame;
pub mod handshake;
pub mod header;
pub mod message;
pub mod operation;
pub mod payload;
pub mod secret;
pub mod shapes;
pub mod timestamp;

pub use blob::Blob;
pub use document::{Document, ObjectText};
pub use error::{ErrorCode, OperationError};
pub use frame::{Decoder, EncodeError, Frame, FrameError};
pub use message::{Message, MessageError, ReplyError, Requested, StreamId, StreamMessage};
pub use operation::{Call, Operation, call};
pub use payload::{Payload, PayloadError};
pub use secret::Secret;
pub use timestamp::Timestamp;
