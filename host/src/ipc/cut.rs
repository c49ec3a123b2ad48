//! Why the server closes a connection, and how often it did.

use gg_ipc::handshake::Refusal;
use gg_ipc::{FrameError, Message, MessageError};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// Why a connection is closed that did not end well.
#[derive(Debug, Error)]
pub(super) enum Cut {
    #[error("it has as many connections as one component may have, or all components together")]
    Crowded,
    #[error("frame: {0}")]
    Frame(#[from] FrameError),
    #[error("the connection broke: {0}")]
    Gone(#[from] io::Error),
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error("it has shown no token, and many others came after it")]
    Overtaken,
    #[error("{0}")]
    Protocol(&'static str),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the client gives up: {0}")]
    Said(String),
    #[error("no token was shown within {0:?}")]
    Silent(Duration),
    #[error("a frame took longer than {0:?}")]
    Slow(Duration),
    #[error("it has read nothing of what is for it for {0:?}")]
    Stalled(Duration),
    #[error("the token is none that counts; it does so while the component runs")]
    Token,
    #[error("the connection ended in the middle of a frame")]
    Truncated,
}

impl Cut {
    /// One word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::Frame(_) => "frame",
            Self::Gone(_) => "gone",
            Self::Message(_) => "message",
            Self::Overtaken => "overtaken",
            Self::Protocol(_) => "protocol",
            Self::Refused(_) => "refused",
            Self::Said(_) => "said",
            Self::Silent(_) => "silent",
            Self::Slow(_) => "slow",
            Self::Stalled(_) => "stalled",
            Self::Token => "token",
            Self::Truncated => "truncated",
        }
    }

    /// What the client is told before the connection is closed.
    pub(super) fn answer(&self) -> Option<Message> {
        match self {
            Self::Frame(FrameError::Header(_)) => Some(Message::InternalError(self.to_string())),
            Self::Message(_) | Self::Protocol(_) => Some(Message::ProtocolError(self.to_string())),
            Self::Refused(refusal) => Some(refusal.answer()),
            Self::Crowded | Self::Token => Some(Message::ConnectAck { accepted: false }),
            _ => None,
        }
    }
}

/// Counts cuts by their word.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// Count one, and tell the operator of it now and then: who makes many must not fill the log.
    pub(super) fn count(&self, component: Option<&str>, cut: &Cut) {
        let word = cut.word();
        let total = {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(word).or_default();
            *count += 1;
            *count
        };
        let component = component.unwrap_or("(unknown)");
        // A client that just goes is nothing that the operator could mend.
        let is_news = total.is_power_of_two() && !matches!(cut, Cut::Gone(_));
        if is_news {
            tracing::warn!(component, reason = word, total, "a connection was closed: {cut}");
        } else {
            tracing::debug!(component, reason = word, total, "a connection was closed: {cut}");
        }
    }

    pub(super) fn read(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
