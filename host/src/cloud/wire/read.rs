//! What a broker sends.

use super::{ConnAck, Incoming, Packet, PacketId, Reason};
use crate::cloud::publication::{PayloadFormat, Publication, Qos};
use bytes::{Buf as _, Bytes, BytesMut};
use gg_model::MqttVersion;
use thiserror::Error;

/// Most user properties of one message.
const MOST_PROPERTIES: usize = 1024;

/// Why bytes are no packet that a broker may send.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum WireError {
    /// They are cut short, or too many, or not what they are said to be.
    #[error("the broker sends {0} that is malformed")]
    Malformed(&'static str),
    /// A broker does not send this to a client, or not one that asks for no more than QoS 1.
    #[error("the broker sends a packet of type {0}, which it may not")]
    Unexpected(u8),
    /// It is longer than the client takes.
    #[error("the broker sends a packet of {0} bytes, more than it was told that the device takes")]
    TooLarge(usize),
}

/// Take the first packet out, if it is there as a whole. None may have more bytes than this.
///
/// # Errors
/// What comes is no packet; nothing that follows can be read either.
pub fn read(
    bytes: &mut BytesMut,
    version: MqttVersion,
    most: usize,
) -> Result<Option<Packet>, WireError> {
    let Some((head, length)) = head(bytes)? else { return Ok(None) };
    if head + length > most {
        return Err(WireError::TooLarge(head + length));
    }
    if bytes.len() < head + length {
        return Ok(None);
    }
    let first = bytes[0];
    let body = &bytes[head..head + length];
    let packet = packet(first, Reader { rest: body }, version)?;
    bytes.advance(head + length);
    Ok(Some(packet))
}

/// Bytes before the body of a packet, and those of the body.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, WireError> {
    let Some(length) = bytes.get(1..) else { return Ok(None) };
    let mut reader = Reader { rest: length };
    match reader.variable() {
        Some(value) => Ok(Some((bytes.len() - reader.rest.len(), value as usize))),
        None if length.len() < 4 => Ok(None),
        None => Err(WireError::Malformed("a length")),
    }
}

fn packet(first: u8, mut body: Reader<'_>, version: MqttVersion) -> Result<Packet, WireError> {
    let malformed = |what| move || WireError::Malformed(what);
    let packet = match first >> 4 {
        2 => connack(&mut body, version).map(Packet::ConnAck).ok_or_else(malformed("a CONNACK"))?,
        3 => {
            let publish = publish(first, &mut body, version);
            Packet::Publish(publish.ok_or_else(malformed("a PUBLISH"))?)
        }
        4 => {
            let (id, reason) =
                acknowledgement(&mut body, version).ok_or_else(malformed("a PUBACK"))?;
            Packet::PubAck(id, reason)
        }
        9 => {
            let (id, reason) = suback(&mut body, version).ok_or_else(malformed("a SUBACK"))?;
            Packet::SubAck(id, reason)
        }
        11 => Packet::UnsubAck(body.id().ok_or_else(malformed("an UNSUBACK"))?),
        13 => Packet::PingResp,
        14 => Packet::Disconnect(reason(&mut body, version).ok_or_else(malformed("a DISCONNECT"))?),
        other => return Err(WireError::Unexpected(other)),
    };
    Ok(packet)
}

fn connack(body: &mut Reader<'_>, version: MqttVersion) -> Option<ConnAck> {
    let flags = body.byte()?;
    let code = body.byte()?;
    let mut connack = ConnAck {
        session_present: flags & 1 == 1,
        reason: Reason::of(code),
        takes_qos_1: true,
        takes_retained: true,
        identifies: version == MqttVersion::V5,
        ..ConnAck::default()
    };
    if version == MqttVersion::V3 {
        connack.reason.code = code_of_3(code);
        return Some(connack);
    }
    let mut properties = body.properties()?;
    while let Some(property) = properties.property()? {
        match property {
            Property::Number(0x21, value) => connack.receive_maximum = u16::try_from(value).ok(),
            Property::Number(0x27, value) => connack.packet_bytes = Some(value),
            Property::Number(0x13, value) => connack.keep_alive = u16::try_from(value).ok(),
            Property::Number(0x24, value) => connack.takes_qos_1 = value != 0,
            Property::Number(0x25, value) => connack.takes_retained = value != 0,
            Property::Number(0x29, value) => connack.identifies = value != 0,
            Property::Text(0x1F, text) => connack.reason.text = Some(text.to_owned()),
            _ => {}
        }
    }
    // MQTT 5.0, 3.2.2.3: neither may be 0.
    (connack.receive_maximum != Some(0) && connack.packet_bytes != Some(0)).then_some(connack)
}

/// The return codes of 3.1.1, which has five, as those of 5.0 (3.2.2.3 of 3.1.1).
fn code_of_3(code: u8) -> u8 {
    match code {
        0 => 0,
        1 => 0x84,
        2 => 0x85,
        3 => 0x88,
        4 => 0x86,
        5 => 0x87,
        _ => 0x80,
    }
}

fn publish(first: u8, body: &mut Reader<'_>, version: MqttVersion) -> Option<Incoming> {
    let mut publication = Publication {
        topic: body.text()?.to_owned(),
        retain: first & 1 == 1,
        ..Publication::default()
    };
    // A device asks for no alias of a topic, and a topic is a text with at least one character.
    if publication.topic.is_empty() || publication.topic.contains(['\0', '+', '#']) {
        return None;
    }
    let id = match first >> 1 & 3 {
        0 => None,
        1 => Some(body.id()?),
        _ => return None,
    };
    if id.is_some() {
        publication.qos = Qos::AtLeastOnce;
    }
    let mut subscriptions = Vec::new();
    if version == MqttVersion::V5 {
        let mut properties = body.properties()?;
        while let Some(property) = properties.property()? {
            match property {
                Property::Number(0x01, 0) => {
                    publication.payload_format = Some(PayloadFormat::Bytes);
                }
                Property::Number(0x01, _) => publication.payload_format = Some(PayloadFormat::Utf8),
                Property::Number(0x02, seconds) => publication.message_expiry = Some(seconds),
                Property::Number(0x0B, id) => subscriptions.push(id),
                Property::Number(0x23, _) => return None,
                Property::Text(0x03, text) => publication.content_type = Some(text.to_owned()),
                Property::Text(0x08, text) => publication.response_topic = Some(text.to_owned()),
                Property::Data(0x09, data) => {
                    publication.correlation_data = Some(Bytes::copy_from_slice(data));
                }
                Property::Pair(name, value) => {
                    if publication.user_properties.len() == MOST_PROPERTIES {
                        return None;
                    }
                    publication.user_properties.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
    }
    // Copied: what is read next would otherwise be kept as long as this.
    publication.payload = Bytes::copy_from_slice(body.rest);
    Some(Incoming { publication, id, subscriptions })
}

fn acknowledgement(body: &mut Reader<'_>, version: MqttVersion) -> Option<(PacketId, Reason)> {
    Some((body.id()?, reason(body, version)?))
}

fn suback(body: &mut Reader<'_>, version: MqttVersion) -> Option<(PacketId, Reason)> {
    let id = body.id()?;
    let text = match version {
        MqttVersion::V3 => None,
        MqttVersion::V5 => words(body.properties()?)?,
    };
    Some((id, Reason { code: body.byte()?, text }))
}

/// A reason code and properties, of which either may be left out at the end.
fn reason(body: &mut Reader<'_>, version: MqttVersion) -> Option<Reason> {
    if version == MqttVersion::V3 || body.rest.is_empty() {
        return Some(Reason::default());
    }
    let code = body.byte()?;
    let text = if body.rest.is_empty() { None } else { words(body.properties()?)? };
    Some(Reason { code, text })
}

/// The broker's words among properties.
fn words(mut properties: Reader<'_>) -> Option<Option<String>> {
    let mut words = None;
    while let Some(property) = properties.property()? {
        if let Property::Text(0x1F, text) = property {
            words = Some(text.to_owned());
        }
    }
    Some(words)
}

/// A property: its identifier, and its value by the kind of it (MQTT 5.0, 2.2.2.2).
enum Property<'a> {
    Number(u8, u32),
    Text(u8, &'a str),
    Data(u8, &'a [u8]),
    /// A user property.
    Pair(&'a str, &'a str),
}

/// What is left of a packet. `None` wherever it is too short.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn two(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn four(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A number of one to four bytes.
    fn variable(&mut self) -> Option<u32> {
        let mut value = 0;
        for place in 0..4 {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn id(&mut self) -> Option<PacketId> {
        self.two().filter(|id| *id != 0)
    }

    fn data(&mut self) -> Option<&'a [u8]> {
        let length = self.two()?;
        self.take(length.into())
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.data()?).ok()
    }

    /// The properties that stand next.
    fn properties(&mut self) -> Option<Self> {
        let length = self.variable()?;
        Some(Self { rest: self.take(length as usize)? })
    }

    /// The next property, if there is one more.
    fn property(&mut self) -> Option<Option<Property<'a>>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        let id = self.byte()?;
        Some(Some(match id {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => {
                Property::Number(id, self.byte()?.into())
            }
            0x13 | 0x21 | 0x22 | 0x23 => Property::Number(id, self.two()?.into()),
            0x02 | 0x11 | 0x18 | 0x27 => Property::Number(id, self.four()?),
            0x0B => Property::Number(id, self.variable()?),
            0x03 | 0x08 | 0x12 | 0x15 | 0x1A | 0x1C | 0x1F => Property::Text(id, self.text()?),
            0x09 | 0x16 => Property::Data(id, self.data()?),
            0x26 => Property::Pair(self.text()?, self.text()?),
            _ => return None,
        }))
    }
}
