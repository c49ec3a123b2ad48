//! As much of MQTT 5.0 as the devices of a simulated fleet speak, with QoS 1: what they send, and what
//! they read of what the broker sends.

use anyhow::{Context as _, Result, bail, ensure};

/// Seconds for which a session is kept: gg-host's own.
const SESSION: u32 = 604_800;

/// Seconds after which a device says at least that it is there.
pub(crate) const KEEP_ALIVE: u16 = 60;

/// What the broker sends.
#[derive(Debug)]
pub(crate) enum Packet<'p> {
    /// The device is let in.
    ConnAck,
    /// Subscriptions are granted.
    SubAck,
    /// What the device published by this number is taken.
    PubAck(u16),
    /// A message, with the number by which it is acknowledged.
    Publish(&'p str, Option<u16>, &'p [u8]),
    /// The answer to a ping.
    PingResp,
}

/// CONNECT, to go on with the session if there is one.
pub(crate) fn connect(client: &str) -> Vec<u8> {
    let mut body = text("MQTT");
    body.extend([5, 0]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    // How long the session is kept.
    body.extend([5, 0x11]);
    body.extend(SESSION.to_be_bytes());
    body.extend(text(client));
    frame(0x10, &body)
}

/// SUBSCRIBE to these filters at QoS 1, by a number.
pub(crate) fn subscribe(id: u16, filters: &[String]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.push(0);
    for filter in filters {
        body.extend(text(filter));
        body.push(1);
    }
    frame(0x82, &body)
}

/// PUBLISH at QoS 1, by a number.
pub(crate) fn publish(topic: &str, id: u16, payload: &str) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(id.to_be_bytes());
    body.push(0);
    body.extend(payload.as_bytes());
    frame(0x32, &body)
}

/// PUBACK.
pub(crate) fn acknowledge(id: u16) -> Vec<u8> {
    frame(0x40, &id.to_be_bytes())
}

/// PINGREQ.
pub(crate) fn ping() -> Vec<u8> {
    frame(0xC0, &[])
}

/// The first packet of what was read, and how long it is; `None`: it is not whole yet.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Packet<'_>, usize)>> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    let Some((length, rest)) = number(rest)? else { return Ok(None) };
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let packet = match kind >> 4 {
        2 => {
            ensure!(body.get(1) == Some(&0), "the broker refuses: {body:?}");
            Packet::ConnAck
        }
        3 => message(*kind, body)?,
        4 => {
            ensure!(body.get(2).is_none_or(|reason| *reason < 0x80), "refused: {body:?}");
            Packet::PubAck(two(body)?)
        }
        9 => {
            let (properties, reasons) =
                number(body.get(2..).context("a short SUBACK")?)?.context("a short SUBACK")?;
            let mut reasons = reasons.iter().skip(properties);
            ensure!(reasons.all(|reason| *reason < 0x80), "a subscription is refused: {body:?}");
            Packet::SubAck
        }
        13 => Packet::PingResp,
        _ => bail!("the broker sends {kind:#x} {body:?}"),
    };
    Ok(Some((packet, bytes.len() - rest.len() + length)))
}

fn message(kind: u8, body: &[u8]) -> Result<Packet<'_>> {
    let length = usize::from(two(body)?);
    let topic = body.get(2..2 + length).context("a short topic")?;
    let mut rest = &body[2 + length..];
    let mut id = None;
    if kind & 6 != 0 {
        id = Some(two(rest)?);
        rest = &rest[2..];
    }
    let (properties, rest) = number(rest)?.context("a short message")?;
    let payload = rest.get(properties..).context("a short message")?;
    Ok(Packet::Publish(std::str::from_utf8(topic)?, id, payload))
}

fn two(bytes: &[u8]) -> Result<u16> {
    let bytes = bytes.get(..2).context("a short packet")?;
    Ok(u16::from_be_bytes(bytes.try_into()?))
}

/// A number of one to four bytes, and what comes after it (MQTT 5.0, 1.5.5).
fn number(bytes: &[u8]) -> Result<Option<(usize, &[u8])>> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((value, &bytes[place + 1..])));
        }
    }
    ensure!(bytes.len() < 4, "a length of more than four bytes");
    Ok(None)
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut rest = body.len();
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        packet.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}
