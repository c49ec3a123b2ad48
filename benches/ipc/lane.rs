//! One sender and all who hear of what it sends, over the sockets of any broker, in one thread. All
//! frames of a kind have the same length, so that counting bytes counts messages.

use super::client::{Client, publication};
use super::relay::Relay;
use crate::common::mosquitto::{self, Mosquitto};
use anyhow::{Context, Result, bail, ensure};
use gg_ipc::operation::{Call, call};
use gg_ipc::shapes::PublishToIoTCoreRequest;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Messages under way at a time when throughput is measured.
pub(crate) const WINDOW: usize = 64;

/// Bytes read at once.
const READ: usize = 256 * 1024;

/// A socket of any kind, which is read and written as files are.
type Socket = File;

/// Makes the bytes of so many messages.
type Make = Box<dyn FnMut(usize) -> Result<Vec<u8>>>;

/// A sender and its hearers.
pub(crate) struct Lane {
    sender: Socket,
    make: Make,
    hearers: Vec<Hearer>,
    /// How many hearers, from the first on, a message must have come to until it counts as there.
    /// The others hear that it was taken.
    awaited: usize,
    buffer: Vec<u8>,
}

/// Somebody who hears of each message.
struct Hearer {
    stream: Socket,
    /// Bytes of each.
    length: usize,
    /// Bytes that have come.
    bytes: usize,
}

/// The bytes of messages that are to be sent.
pub(crate) struct Load {
    bytes: Vec<u8>,
    count: usize,
    /// Bytes of each.
    length: usize,
}

impl Lane {
    fn new(sender: impl Into<OwnedFd>, make: Make, hearers: Vec<Hearer>, awaited: usize) -> Self {
        let sender = Socket::from(sender.into());
        Self { sender, make, hearers, awaited, buffer: vec![0; READ] }
    }

    /// Publish to a topic over Greengrass IPC; these clients hear the same bytes by their topic.
    pub(crate) fn publish(
        mut publisher: Client,
        topic: &str,
        payload: &[u8],
        subscribers: Vec<Client>,
    ) -> Result<Self> {
        let request = publication(topic, payload);
        // One message shows how long each frame is, and that all is as it should be.
        let (taken, _) = publisher.call::<call::PublishToTopic>(&request)?;
        let mut hearers = Vec::new();
        for mut subscriber in subscribers {
            let (length, came) = subscriber.event()?;
            ensure!(came == payload, "something else came than was published");
            hearers.push(Hearer::new(subscriber.stream, length));
        }
        let awaited = hearers.len();
        hearers.push(Hearer::new(publisher.stream.try_clone()?, taken));
        let sender = publisher.stream.try_clone()?;
        let make: Make =
            Box::new(move |count| publisher.requests::<call::PublishToTopic>(&request, count));
        Ok(Self::new(sender, make, hearers, awaited))
    }

    /// Make the same call over and over.
    pub(crate) fn call<C: Call>(mut client: Client, request: C::Request) -> Result<Self> {
        let (length, _) = client.call::<C>(&request)?;
        let hearers = vec![Hearer::new(client.stream.try_clone()?, length)];
        let sender = client.stream.try_clone()?;
        let make: Make = Box::new(move |count| client.requests::<C>(&request, count));
        Ok(Self::new(sender, make, hearers, 1))
    }

    /// Send the same frame through a relay.
    pub(crate) fn relay(relay: &Relay, frame: Vec<u8>) -> Result<Self> {
        let hear = |stream: &UnixStream| Ok(Hearer::new(stream.try_clone()?, frame.len()));
        let hearers: Vec<Hearer> = relay.subscribers.iter().map(hear).collect::<Result<_>>()?;
        let awaited = hearers.len();
        let make: Make = Box::new(move |count| Ok(frame.repeat(count)));
        Ok(Self::new(relay.publisher.try_clone()?, make, hearers, awaited))
    }

    /// Publish the same message over and over, at QoS 0.
    pub(crate) fn mqtt(broker: &Mosquitto, size: usize, subscribers: usize) -> Result<Self> {
        Self::mqtt_from(broker.connect_unix()?, broker, size, subscribers)
    }

    /// The same over TCP, as whoever is not on the broker's machine does.
    pub(crate) fn mqtt_tcp(broker: &Mosquitto, size: usize) -> Result<Self> {
        Self::mqtt_from(broker.connect()?, broker, size, 1)
    }

    fn mqtt_from(
        publisher: impl Into<OwnedFd>,
        broker: &Mosquitto,
        size: usize,
        subscribers: usize,
    ) -> Result<Self> {
        let packet = mosquitto::publish(size);
        let mut hearers = Vec::new();
        for _ in 0..subscribers {
            let mut stream = broker.connect_unix()?;
            mosquitto::subscribe(&mut stream)?;
            hearers.push(Hearer::new(stream, packet.len()));
        }
        let make: Make = Box::new(move |count| Ok(packet.repeat(count)));
        Ok(Self::new(publisher, make, hearers, subscribers))
    }

    /// Publish the same message over and over at QoS 1, over TCP; the publisher hears that it was taken.
    pub(crate) fn mqtt_surely(broker: &Mosquitto, size: usize) -> Result<Self> {
        const ACKNOWLEDGEMENT: usize = 4;
        let mut stream = broker.connect_unix()?;
        mosquitto::subscribe(&mut stream)?;
        let publisher = broker.connect()?;
        let taken = Hearer::new(publisher.try_clone()?, ACKNOWLEDGEMENT);
        let hearers = vec![Hearer::new(stream, mosquitto::publish(size).len()), taken];
        let mut id = 0_u16;
        let make: Make = Box::new(move |count| {
            let mut bytes = Vec::new();
            for _ in 0..count {
                id = id.checked_add(1).unwrap_or(1);
                bytes.extend(mosquitto::publish_surely(size, id));
            }
            Ok(bytes)
        });
        Ok(Self::new(publisher, make, hearers, 1))
    }

    /// Publish to the broker by way of a nucleus, over Greengrass IPC; a subscriber at the broker
    /// hears it, and the publisher that it was taken.
    pub(crate) fn cloud(
        mut publisher: Client,
        broker: &Mosquitto,
        request: PublishToIoTCoreRequest,
    ) -> Result<Self> {
        let mut stream = broker.connect_unix()?;
        mosquitto::subscribe(&mut stream)?;
        let (taken, _) = publisher.call::<call::PublishToIoTCore>(&request)?;
        let mut first = Hearer::new(stream, mosquitto::publish(request.payload.0.len()).len());
        first.one(&mut vec![0; first.length])?;
        let hearers = vec![first, Hearer::new(publisher.stream.try_clone()?, taken)];
        let sender = publisher.stream.try_clone()?;
        let make: Make =
            Box::new(move |count| publisher.requests::<call::PublishToIoTCore>(&request, count));
        Ok(Self::new(sender, make, hearers, 1))
    }

    /// Make so many messages.
    pub(crate) fn prepare(&mut self, count: usize) -> Result<Load> {
        let bytes = (self.make)(count)?;
        let length = bytes.len() / count;
        Ok(Load { bytes, count, length })
    }

    /// Send one message, and the next when it has come; gives how long each took, in nanoseconds.
    pub(crate) fn one_by_one(&mut self, load: &Load) -> Result<Vec<f64>> {
        let mut latencies = Vec::with_capacity(load.count);
        let (awaited, others) = self.hearers.split_at_mut(self.awaited);
        for message in load.bytes.chunks_exact(load.length) {
            let begin = Instant::now();
            self.sender.write_all(message)?;
            for hearer in &mut *awaited {
                hearer.one(&mut self.buffer)?;
            }
            latencies.push(begin.elapsed().as_secs_f64() * 1e9);
            for hearer in &mut *others {
                hearer.one(&mut self.buffer)?;
            }
        }
        Ok(latencies)
    }

    /// Send messages, [`WINDOW`] of them under way at a time; gives how long all took.
    pub(crate) fn together(&mut self, load: &Load) -> Result<Duration> {
        self.hearers.iter_mut().for_each(|hearer| hearer.bytes = 0);
        let begin = Instant::now();
        let (mut written, mut done) = (0, 0);
        while done < load.count {
            let until = load.count.min(done + WINDOW) * load.length;
            if written < until {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                match send(&self.sender, &load.bytes[written..until], flags) {
                    Ok(length) => written += length,
                    Err(Errno::AGAIN) => {}
                    Err(error) => return Err(error).context("the broker hung up"),
                }
            }
            self.hear(written / load.length, written < until)?;
            done = self.hearers.iter().map(Hearer::messages).min().unwrap_or(load.count);
        }
        Ok(begin.elapsed())
    }

    /// Wait for something of so many messages, or for room to write more, and read what is there.
    fn hear(&mut self, sent: usize, full: bool) -> Result<()> {
        let open: Vec<usize> =
            (0..self.hearers.len()).filter(|at| self.hearers[*at].messages() < sent).collect();
        let mut waits: Vec<PollFd<'_>> = open
            .iter()
            .map(|at| PollFd::new(&self.hearers[*at].stream, PollFlags::IN))
            .chain(full.then(|| PollFd::new(&self.sender, PollFlags::OUT)))
            .collect();
        let patience = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
        ensure!(poll(&mut waits, Some(&patience))? > 0, "a message was lost");
        let ready: Vec<bool> = waits.iter().map(|wait| !wait.revents().is_empty()).collect();
        for (at, _) in open.into_iter().zip(ready).filter(|(_, ready)| *ready) {
            self.hearers[at].read(&mut self.buffer)?;
        }
        Ok(())
    }
}

impl Hearer {
    fn new(stream: impl Into<OwnedFd>, length: usize) -> Self {
        Self { stream: Socket::from(stream.into()), length, bytes: 0 }
    }

    fn messages(&self) -> usize {
        self.bytes / self.length
    }

    fn one(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.stream.read_exact(&mut buffer[..self.length]).context("a message was lost")
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        match self.stream.read(buffer)? {
            0 => bail!("the broker hung up"),
            length => self.bytes += length,
        }
        Ok(())
    }
}
