//! MQTT 5.0 and 3.1.1 on the wire, as far as a client speaks it that uses QoS 0 and 1: what it
//! sends is written ([`write`]), what it gets is read ([`read`]). Bytes in, values out; no sockets,
//! no rule of what to do when.
//!
//! One set of values serves both versions: 3.1.1 is 5.0 without properties and reasons.

pub mod outgoing;
pub mod read;
#[cfg(test)]
mod tests;
pub mod write;

use super::publication::Publication;
use std::fmt;

/// Tells apart what waits for an answer; never 0.
pub type PacketId = u16;

/// What a broker sends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Packet {
    /// The answer to CONNECT.
    ConnAck(ConnAck),
    /// A message.
    Publish(Incoming),
    /// A publication was taken, or refused.
    PubAck(PacketId, Reason),
    /// A subscription was granted, or refused. The first of several, of which none is asked for.
    SubAck(PacketId, Reason),
    /// A subscription was ended.
    UnsubAck(PacketId),
    /// The answer to a ping.
    PingResp,
    /// The broker ends the connection.
    Disconnect(Reason),
}

/// The answer to CONNECT, and what the broker can do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ConnAck {
    /// Whether it has kept the session.
    pub session_present: bool,
    /// Whether it lets the client in.
    pub reason: Reason,
    /// Publications that it takes before it has acknowledged the first.
    pub receive_maximum: Option<u16>,
    /// Bytes of the largest packet that it takes.
    pub packet_bytes: Option<u32>,
    /// The keep-alive that counts instead of the client's, in seconds.
    pub keep_alive: Option<u16>,
    /// Whether it takes publications of QoS 1.
    pub takes_qos_1: bool,
    /// Whether it takes publications that are to be retained.
    pub takes_retained: bool,
    /// Whether it says by which subscriptions a message comes.
    pub identifies: bool,
}

/// A message from the broker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Incoming {
    /// The message.
    pub publication: Publication,
    /// By what it is to be acknowledged; `None` for QoS 0.
    pub id: Option<PacketId>,
    /// By which subscriptions it comes, where the broker says so.
    pub subscriptions: Vec<u32>,
}

/// A reason code, in those of MQTT 5.0, and the broker's own words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reason {
    /// The code (MQTT 5.0, 2.4); below 0x80 all is well.
    pub code: u8,
    /// What the broker says beside it.
    pub text: Option<String>,
}

impl Reason {
    /// Without words.
    pub fn of(code: u8) -> Self {
        Self { code, text: None }
    }

    /// Whether it is a refusal.
    pub fn is_failure(&self) -> bool {
        self.code >= 0x80
    }
}

/// The code, its name in the standard, and the broker's words.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02X}", self.code)?;
        if let Some(name) = name(self.code) {
            write!(f, " {name}")?;
        }
        if let Some(text) = &self.text {
            write!(f, " ({})", crate::logs::presentable(text, 200))?;
        }
        Ok(())
    }
}

/// MQTT 5.0, 2.4.
fn name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password",
        0x87 => "not authorized",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8A => "banned",
        0x8B => "server shutting down",
        0x8D => "keep alive timeout",
        0x8E => "session taken over",
        0x8F => "topic filter invalid",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x93 => "receive maximum exceeded",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9A => "retain not supported",
        0x9B => "QoS not supported",
        0x9C => "use another server",
        0x9D => "server moved",
        0x9E => "shared subscriptions not supported",
        0x9F => "connection rate exceeded",
        0xA0 => "maximum connect time",
        0xA1 => "subscription identifiers not supported",
        0xA2 => "wildcard subscriptions not supported",
        _ => return None,
    })
}
