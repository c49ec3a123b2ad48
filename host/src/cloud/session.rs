//! A connection while it holds: what is sent and heard over it.

use super::Shared;
use super::connection::{self, Connection, is_closed};
use super::fault::{self, LinkFault};
use super::publication::{Publication, Qos};
use super::rate::Bucket;
use super::spool::Spooled;
use super::table::{Grant, Wanted};
use super::wire::outgoing::Outgoing;
use super::wire::read::read;
use super::wire::{Incoming, Packet, PacketId, Reason, write};
use crate::network::Stream;
use futures_util::FutureExt as _;
use gg_model::nucleus::Retries;
use gg_model::{Topic, TopicFilter};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf};
use tokio::sync::Notify;

/// Write some of what is to be sent, or see that all of it leaves. Whether there is more to do.
async fn write(writer: &mut WriteHalf<Box<dyn Stream>>, out: &mut Outgoing) -> io::Result<bool> {
    if out.is_empty() {
        writer.flush().await?;
        return Ok(false);
    }
    writer.write_buf(out).await?;
    Ok(true)
}

/// What is written at once, before more is taken out of the spool.
const HIGH: usize = 64 << 10;

/// For how long after the start of the nucleus a message of QoS 1 that nobody takes is not
/// acknowledged: the broker has kept the session, and a component may be on its way up.
const UNCLAIMED: Duration = Duration::from_secs(60);

/// How long to wait before a publication is sent again that the broker refused for now.
const RETRY: Duration = Duration::from_secs(1);

/// What the broker has of the subscriptions, as long as it keeps the session.
pub(super) type Held = HashMap<TopicFilter, Wanted>;

/// Why a session ended without a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Nothing goes over this connection any more.
    Unused,
    /// The files of the identity have changed.
    Renewed,
    /// The nucleus stops.
    Stopped,
}

/// A publication on its way.
struct Flight {
    spooled: Spooled,
    tries: u64,
    since: Instant,
}

/// A message that nobody takes.
struct Unclaimed {
    incoming: Incoming,
    until: Instant,
}

/// One connection that holds.
pub(super) struct Session<'a> {
    shared: &'a Shared,
    connection: usize,
    held: &'a mut Held,
    out: Outgoing,
    last_id: PacketId,
    /// Publications that wait for their acknowledgement.
    flights: HashMap<PacketId, Flight>,
    in_flight: usize,
    /// Subscriptions that wait for theirs.
    asked: HashMap<PacketId, TopicFilter>,
    ending: HashMap<PacketId, TopicFilter>,
    /// Taken from the spool, and not to be sent yet.
    pending: Option<Spooled>,
    /// To be sent again, from then on.
    again: VecDeque<(Instant, Flight)>,
    unclaimed: VecDeque<Unclaimed>,
    publishes: Bucket,
    bytes: Bucket,
    packet_bytes: usize,
    takes_qos_1: bool,
    takes_retained: bool,
    identifies: bool,
    keep_alive: Duration,
    sent: Instant,
    heard: Instant,
    pinged: Option<Instant>,
}

impl<'a> Session<'a> {
    /// Go on with a connection over which the broker has let the client in.
    pub(super) fn new(
        shared: &'a Shared,
        connection: usize,
        held: &'a mut Held,
        opened: &Connection,
    ) -> Self {
        let (settings, connack, now) = (&shared.settings, &opened.connack, Instant::now());
        let in_flight = connack.receive_maximum.unwrap_or(u16::MAX).min(settings.in_flight);
        if !connack.session_present {
            held.clear();
        }
        Self {
            shared,
            connection,
            held,
            out: Outgoing::default(),
            last_id: 0,
            flights: HashMap::new(),
            in_flight: in_flight.into(),
            asked: HashMap::new(),
            ending: HashMap::new(),
            pending: None,
            again: VecDeque::new(),
            unclaimed: VecDeque::new(),
            publishes: Bucket::new(settings.quotas.publishes_per_second, now),
            bytes: Bucket::new(settings.quotas.bytes_per_second, now),
            packet_bytes: connack.packet_bytes.map_or(usize::MAX, |bytes| bytes as usize),
            takes_qos_1: connack.takes_qos_1,
            takes_retained: connack.takes_retained,
            identifies: connack.identifies,
            keep_alive: connection::keep_alive(settings, connack),
            sent: now,
            heard: now,
            pinged: None,
        }
    }

    /// Send and hear until it ends. `renewed` tells when the identity has changed.
    pub(super) async fn run(
        mut self,
        opened: Connection,
        renewed: &Notify,
    ) -> Result<End, LinkFault> {
        let Connection { stream, mut input, connack: _ } = opened;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let settings = &self.shared.settings;
        let most = settings.packet_bytes() as usize;
        let wake = self.shared.table().wake(self.connection);
        let publishes = self.connection == 0;
        self.subscribe();
        let mut unflushed = false;
        let end = loop {
            while let Some(packet) = read(&mut input, settings.version, most)? {
                self.take(packet)?;
            }
            let now = Instant::now();
            self.send_pending(now);
            let due = self.keep_up(now)?;
            if self.connection > 0 && self.is_unused() {
                break End::Unused;
            }
            let room = publishes
                && self.pending.is_none()
                && self.flights.len() < self.in_flight
                && self.out.len() < HIGH;
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => break End::Stopped,
                () = renewed.notified() => break End::Renewed,
                written = write(&mut writer, &mut self.out), if unflushed || !self.out.is_empty() => {
                    unflushed = written?;
                    self.sent = Instant::now();
                }
                got = reader.read_buf(&mut input) => {
                    if is_closed(got)? {
                        return Err(LinkFault::Closed);
                    }
                    self.heard = Instant::now();
                }
                () = wake.notified() => self.subscribe(),
                spooled = self.shared.spool.next(), if room => self.publish_all(spooled),
                () = tokio::time::sleep_until(due.into()) => {}
            }
        };
        write::disconnect(self.out.open());
        // The broker sees the end either way.
        let goodbye = async {
            writer.write_all_buf(&mut self.out).await?;
            writer.shutdown().await
        };
        let _late = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
        Ok(end)
    }

    /// What the broker sends.
    fn take(&mut self, packet: Packet) -> Result<(), LinkFault> {
        match packet {
            Packet::Publish(incoming) => self.deliver(incoming),
            Packet::PubAck(id, reason) => self.acknowledged(id, &reason),
            Packet::SubAck(id, reason) => self.subscribed(id, reason),
            Packet::UnsubAck(id) => drop(self.ending.remove(&id)),
            Packet::PingResp => self.pinged = None,
            Packet::Disconnect(reason) => {
                let client = connection::client(&self.shared.settings, self.connection);
                return Err(LinkFault::Ended { client, reason });
            }
            Packet::ConnAck(_) => return Err(super::wire::read::WireError::Unexpected(2).into()),
        }
        Ok(())
    }

    /// Hand a message to those who take it, and acknowledge it then.
    fn deliver(&mut self, incoming: Incoming) {
        self.shared.counters.received.add(1);
        if self.hand_over(&incoming) {
            return;
        }
        if incoming.id.is_none() {
            self.shared.counters.unclaimed.add(1);
            return;
        }
        let until = self.shared.started + UNCLAIMED;
        if Instant::now() >= until {
            self.drop_unclaimed(&incoming.publication);
            return self.acknowledge(incoming.id);
        }
        // No more than the broker was told that it may send.
        self.unclaimed.push_back(Unclaimed { incoming, until });
    }

    /// Whether somebody took it.
    fn hand_over(&mut self, incoming: &Incoming) -> bool {
        let Incoming { publication, id, subscriptions } = incoming;
        let Ok(topic) = publication.topic.parse::<Topic>() else {
            // None that somebody here could have subscribed to.
            self.acknowledge(*id);
            return true;
        };
        let takers = self.shared.table().takers(self.connection, &topic, subscriptions);
        if takers.is_empty() {
            return false;
        }
        let message = Arc::new(publication.clone());
        for deliver in takers {
            deliver(&message);
        }
        self.acknowledge(*id);
        true
    }

    fn acknowledge(&mut self, id: Option<PacketId>) {
        if let Some(id) = id {
            write::acknowledge(self.out.open(), id);
        }
    }

    /// The broker has taken a publication, or not.
    fn acknowledged(&mut self, id: PacketId, reason: &Reason) {
        // One that was not asked for says nothing of those that were.
        let Some(mut flight) = self.flights.remove(&id) else { return };
        if !reason.is_failure() {
            self.shared.counters.published.add(1);
            self.shared.spool.done(flight.spooled.id);
            return;
        }
        let more = match self.shared.settings.retries {
            Retries::Unlimited => true,
            Retries::AtMost(most) => flight.tries < most,
        };
        // Not authorized, topic name invalid, payload format invalid: that does not change.
        if more && ![0x87, 0x90, 0x99].contains(&reason.code) {
            flight.tries += 1;
            self.again.push_back((Instant::now() + RETRY, flight));
            return;
        }
        self.refuse(&flight.spooled, &reason.to_string());
    }

    /// A publication that the broker does not take is not kept.
    fn refuse(&self, spooled: &Spooled, reason: &str) {
        let topic = crate::logs::presentable(&spooled.publication.topic, 200);
        tracing::error!(%topic, reason, "the broker refuses a publication, which is lost");
        self.shared.counters.refused.add(1);
        self.shared.spool.done(spooled.id);
    }

    /// The broker grants a subscription, or not.
    fn subscribed(&mut self, id: PacketId, reason: Reason) {
        let Some(filter) = self.asked.remove(&id) else { return };
        if reason.is_failure() {
            self.held.remove(&filter);
            tracing::error!("{}", fault::of_suback(&reason, filter.as_ref()));
            self.shared.table().answered(&filter, Grant::Refused(reason));
        } else if !self.asked.values().any(|other| *other == filter) {
            self.shared.table().answered(&filter, Grant::Granted);
        }
    }

    /// Have the broker know what is wanted of the filters that have changed.
    fn subscribe(&mut self) {
        let version = self.shared.settings.version;
        let changed = self.shared.table().changed(self.connection);
        for filter in changed {
            let wanted = self.shared.table().wanted(self.connection, &filter);
            match (wanted, self.held.get(&filter)) {
                (Some(wanted), Some(held)) if held.qos == wanted.qos => {
                    // Granted already, unless the answer is still to come.
                    if !self.asked.values().any(|asked| *asked == filter) {
                        self.shared.table().answered(&filter, Grant::Granted);
                    }
                }
                (Some(wanted), _) => {
                    let id = self.free_id();
                    let identifier = self.identifies.then_some(wanted.identifier);
                    let text = filter.as_ref();
                    write::subscribe(self.out.open(), version, id, text, wanted.qos, identifier);
                    self.held.insert(filter.clone(), wanted);
                    self.asked.insert(id, filter);
                }
                (None, Some(_)) => {
                    self.held.remove(&filter);
                    let id = self.free_id();
                    write::unsubscribe(self.out.open(), version, id, filter.as_ref());
                    self.ending.insert(id, filter);
                }
                (None, None) => {}
            }
        }
        // Who came may take what nobody took.
        for unclaimed in std::mem::take(&mut self.unclaimed) {
            if !self.hand_over(&unclaimed.incoming) {
                self.unclaimed.push_back(unclaimed);
            }
        }
    }

    /// Whether nothing goes over this connection, and the broker knows.
    fn is_unused(&self) -> bool {
        self.held.is_empty()
            && self.ending.is_empty()
            && self.out.is_empty()
            && !self.shared.table().is_used(self.connection)
    }

    /// Send what comes out of the spool, as long as there is more at once.
    fn publish_all(&mut self, first: Spooled) {
        let now = Instant::now();
        self.pending = Some(first);
        self.send_pending(now);
        while self.pending.is_none()
            && self.flights.len() < self.in_flight
            && self.out.len() < HIGH
            && let Some(next) = self.shared.spool.next().now_or_never()
        {
            self.pending = Some(next);
            self.send_pending(now);
        }
    }

    /// Send what waits, if it may be sent by now: first what is sent again.
    fn send_pending(&mut self, now: Instant) {
        while let Some((due, _)) = self.again.front()
            && *due <= now
            && self.flights.len() < self.in_flight
        {
            let Some((_, flight)) = self.again.pop_front() else { return };
            if let Some(flight) = self.send(flight, now) {
                return self.again.push_front((now, flight));
            }
        }
        if let Some(spooled) = self.pending.take()
            && let Some(flight) = self.send(Flight { spooled, tries: 0, since: now }, now)
        {
            self.pending = Some(flight.spooled);
        }
    }

    /// Send a publication; gives it back if it has to wait.
    fn send(&mut self, mut flight: Flight, now: Instant) -> Option<Flight> {
        let publication = &flight.spooled.publication;
        let size = publication.size();
        if !self.allowed_in(size, now).is_zero() {
            return Some(flight);
        }
        if publication.retain && !self.takes_retained {
            self.refuse(&flight.spooled, "it keeps no messages (retain)");
            return None;
        }
        let surely = publication.qos == Qos::AtLeastOnce && self.takes_qos_1;
        let id = surely.then(|| self.free_id());
        let publication = &flight.spooled.publication;
        let (version, out) = (self.shared.settings.version, self.out.open());
        let (before, again) = (out.len(), flight.spooled.again || flight.tries > 0);
        write::publish_head(out, version, publication, id, again);
        if out.len() - before + publication.payload.len() > self.packet_bytes {
            out.truncate(before);
            let most = self.packet_bytes;
            self.refuse(&flight.spooled, &format!("it takes no packet of more than {most} bytes"));
            return None;
        }
        self.out.put(&publication.payload);
        self.publishes.take(1);
        self.bytes.take(size);
        match id {
            Some(id) => {
                flight.since = now;
                self.flights.insert(id, flight);
            }
            None => {
                self.shared.counters.published.add(1);
                self.shared.spool.done(flight.spooled.id);
            }
        }
        None
    }

    /// How long to wait until so much may be sent.
    fn allowed_in(&mut self, size: u64, now: Instant) -> Duration {
        self.publishes.wait(1, now).max(self.bytes.wait(size, now))
    }

    /// Do what is due, and say when something will be next.
    fn keep_up(&mut self, now: Instant) -> Result<Instant, LinkFault> {
        let settings = &self.shared.settings;
        if let Some(pinged) = self.pinged
            && now >= pinged + settings.ping_timeout
        {
            return Err(LinkFault::Silent("to a ping"));
        }
        let mut due = self.sent.min(self.heard) + self.keep_alive;
        if self.pinged.is_none() && now >= due {
            write::ping(self.out.open());
            self.pinged = Some(now);
        }
        if let Some(pinged) = self.pinged {
            due = pinged + settings.ping_timeout;
        }
        if let Some(oldest) = self.flights.values().map(|flight| flight.since).min() {
            let late = oldest + settings.operation_timeout;
            if now >= late {
                return Err(LinkFault::Silent("to a publication"));
            }
            due = due.min(late);
        }
        while let Some(unclaimed) = self.unclaimed.front() {
            if now < unclaimed.until {
                due = due.min(unclaimed.until);
                break;
            }
            let Some(unclaimed) = self.unclaimed.pop_front() else { break };
            self.drop_unclaimed(&unclaimed.incoming.publication);
            self.acknowledge(unclaimed.incoming.id);
        }
        let sizes = [
            self.pending.as_ref().map(|spooled| (now, spooled.publication.size())),
            self.again.front().map(|(due, flight)| (*due, flight.spooled.publication.size())),
        ];
        // With all in flight, an acknowledgement comes first.
        if self.flights.len() < self.in_flight {
            for (from, size) in sizes.into_iter().flatten() {
                due = due.min(from.max(now + self.allowed_in(size, now)));
            }
        }
        Ok(due)
    }

    fn drop_unclaimed(&self, publication: &Publication) {
        if self.shared.counters.unclaimed.total() == 0 {
            let topic = crate::logs::presentable(&publication.topic, 200);
            tracing::warn!(%topic, "the broker sends what no component subscribes to; it is dropped");
        }
        self.shared.counters.unclaimed.add(1);
    }

    /// An identifier that nothing waits under.
    fn free_id(&mut self) -> PacketId {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            let taken = self.flights.contains_key(&id)
                || self.asked.contains_key(&id)
                || self.ending.contains_key(&id);
            if !taken {
                return id;
            }
        }
    }
}
