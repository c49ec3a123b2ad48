//! How a connection begins: the client says its version and token, and the server lets it in or
//! not. Nothing else may be said before.
//!
//! A refusal has no words on the wire: why is for the server's log.

use crate::message::{Connect, Message};
use crate::payload::{Payload, PayloadError};
use crate::secret::Secret;
use crate::text::cut;
use serde::{Deserialize, Serialize};

/// The version of the protocol that both sides must speak.
pub const VERSION: &str = "0.1.0";

/// Most bytes of a frame before its sender is known: enough for a token of 30 000 bytes.
pub const MAX_FRAME_BYTES: usize = 32 * 1024;

/// What a client is known by, as it came. Characters of base64 are safe: the SDK for Python does
/// not escape it.
pub type Token = Secret<String>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    auth_token: Option<Token>,
}

/// Why a client is not let in, before its token is looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its first message is another one.
    #[error("the first message must be CONNECT")]
    NotConnect,
    /// It speaks another version.
    #[error("the client speaks version {0:?}; {VERSION} is needed")]
    Version(Option<String>),
    /// It says no token.
    #[error("the client says no authToken")]
    NoToken,
    /// What it says cannot be read.
    #[error("the client's CONNECT: {0}")]
    Payload(#[from] PayloadError),
}

/// Why a client could not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The server does not let it in.
    #[error("the nucleus denies access; check the token")]
    Access,
    /// The server answers with something else.
    #[error("the nucleus does not answer CONNECT with CONNECT_ACK")]
    NoAck,
}

/// For a client: its first message.
pub fn connect(token: &Token) -> Result<Message, PayloadError> {
    let credentials = Credentials { auth_token: Some(token.clone()) };
    Ok(Message::Connect(Connect {
        version: Some(VERSION.to_owned()),
        payload: Payload::of(&credentials)?,
    }))
}

/// For a client: whether the answer lets it in.
pub fn accepted(answer: &Message) -> Result<(), Denied> {
    match answer {
        Message::ConnectAck { accepted: true } => Ok(()),
        Message::ConnectAck { accepted: false } => Err(Denied::Access),
        _ => Err(Denied::NoAck),
    }
}

/// For a server: the token in a client's first message. A known one is answered with
/// [`Message::ConnectAck`], an unknown one too, and the connection closed.
pub fn token(first: &Message) -> Result<Token, Refusal> {
    let Message::Connect(Connect { version, payload }) = first else {
        return Err(Refusal::NotConnect);
    };
    if version.as_deref() != Some(VERSION) {
        return Err(Refusal::Version(version.clone().map(|version| cut(version, 40))));
    }
    let Credentials { auth_token } = payload.read()?;
    auth_token.filter(|token| !token.reveal().is_empty()).ok_or(Refusal::NoToken)
}

impl Refusal {
    /// What the client is told before the connection is closed.
    pub fn answer(&self) -> Message {
        match self {
            Self::NotConnect => Message::ProtocolError(self.to_string()),
            _ => Message::ConnectAck { accepted: false },
        }
    }
}

#[cfg(test)]
mod tests;
