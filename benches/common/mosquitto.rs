//! The peer for local messages: mosquitto on loopback at QoS 0, driven by as little as can be:
//! MQTT 3.1.1 in raw bytes, one thread that writes what the window allows, a message at a time as
//! publishers do, and then reads all that has arrived.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Messages under way at a time when throughput is measured.
pub(crate) const WINDOW: usize = 64;

const TOPIC: &[u8] = b"data";

/// The name of its settings.
const CONFIG: &str = "mosquitto.conf";

/// The name of its Unix socket.
const SOCKET: &str = "socket";

/// A broker of our own, which ends when dropped.
pub(crate) struct Mosquitto {
    program: PathBuf,
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Mosquitto {
    /// Start it, if it is installed. It keeps nothing.
    pub(crate) fn start() -> Result<Option<Self>> {
        Self::with("persistence false")
    }

    /// The same, which writes its changes to disk.
    pub(crate) fn durable() -> Result<Option<Self>> {
        Self::with("persistence true\nautosave_on_changes true\nautosave_interval 1")
    }

    fn with(settings: &str) -> Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let config = folder.path().join(CONFIG);
        std::fs::write(
            &config,
            format!(
                "listener {port} 127.0.0.1\nlistener 0 {}\nuser root\nallow_anonymous true\n\
                 set_tcp_nodelay true\nlog_dest none\npersistence_location {}/\n{settings}\n",
                folder.path().join(SOCKET).display(),
                folder.path().display()
            ),
        )?;
        let process = run(&program, &config)?;
        let broker = Self { program, process, port, folder };
        broker.listens()?;
        Ok(Some(broker))
    }

    fn listens(&self) -> Result<()> {
        let begin = Instant::now();
        while self.connect().is_err() {
            ensure!(begin.elapsed() < Duration::from_secs(10), "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// End it, as a power cut would.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Start it at the same port again.
    pub(crate) fn again(&mut self) -> Result<()> {
        self.process = run(&self.program, &self.folder.path().join(CONFIG))?;
        self.listens()
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A client over its Unix socket.
    pub(crate) fn connect_unix(&self) -> Result<UnixStream> {
        let mut stream = UnixStream::connect(self.folder.path().join(SOCKET))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        greet(&mut stream)?;
        Ok(stream)
    }

    /// A client over TCP.
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        greet(&mut stream)?;
        Ok(stream)
    }

    fn subscribe(&self) -> Result<Subscriber> {
        let mut stream = self.connect()?;
        subscribe(&mut stream)?;
        Ok(Subscriber { stream, received: 0, spare: 0 })
    }

    /// How long so many messages take to all of so many subscribers. `batch`: so many messages are
    /// written in one go, where the window allows.
    pub(crate) fn throughput(
        &self,
        count: usize,
        size: usize,
        subscribers: usize,
        batch: usize,
    ) -> Result<Duration> {
        let mut publisher = self.connect()?;
        let mut subscribers: Vec<Subscriber> =
            (0..subscribers).map(|_| self.subscribe()).collect::<Result<_>>()?;
        let packet = publish(size);
        let burst = packet.repeat(batch);
        let mut buffer = vec![0; 256 << 10];
        let mut sent = 0;
        let mut received = 0;
        let begin = Instant::now();
        while received < count {
            let until = count.min(received + WINDOW);
            while sent < until {
                let more = (until - sent).min(batch);
                publisher.write_all(&burst[..more * packet.len()])?;
                sent += more;
            }
            received = sent;
            for subscriber in &mut subscribers {
                if subscriber.received < sent {
                    subscriber.read(packet.len(), &mut buffer)?;
                }
                received = received.min(subscriber.received);
            }
        }
        Ok(begin.elapsed())
    }

    /// How long each of so many messages takes, one at a time, in nanoseconds.
    pub(crate) fn latencies(&self, count: usize, size: usize) -> Result<Vec<f64>> {
        let mut publisher = self.connect()?;
        let mut subscriber = self.subscribe()?;
        let packet = publish(size);
        let mut buffer = vec![0; packet.len()];
        let mut latencies = Vec::with_capacity(count);
        for _ in 0..count {
            let begin = Instant::now();
            publisher.write_all(&packet)?;
            subscriber.stream.read_exact(&mut buffer)?;
            latencies.push(begin.elapsed().as_secs_f64() * 1e9);
        }
        Ok(latencies)
    }
}

fn run(program: &Path, config: &Path) -> Result<Child> {
    let mut command = Command::new(program);
    command.arg("-c").arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

struct Subscriber {
    stream: TcpStream,
    received: usize,
    /// Bytes of a message that has not arrived whole.
    spare: usize,
}

impl Subscriber {
    fn read(&mut self, packet: usize, buffer: &mut [u8]) -> Result<()> {
        let length = self.stream.read(buffer).context("a message was dropped by the broker")?;
        if length == 0 {
            bail!("the broker hung up");
        }
        // All messages are alike, so that counting bytes counts messages.
        let bytes = self.spare + length;
        self.received += bytes / packet;
        self.spare = bytes % packet;
        Ok(())
    }
}

/// CONNECT: MQTT 3.1.1, clean session, no keep-alive, an empty client id.
fn greet(stream: &mut (impl Read + Write)) -> Result<()> {
    stream.write_all(&[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 0])?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    ensure!(answer == [0x20, 2, 0, 0], "the broker refuses: {answer:?}");
    Ok(())
}

/// SUBSCRIBE, at QoS 0, to the topic of every message.
pub(crate) fn subscribe(stream: &mut (impl Read + Write)) -> Result<()> {
    let mut packet = vec![0x82, 0, 0, 1, 0, TOPIC.len() as u8];
    packet.extend(TOPIC);
    packet.push(0);
    packet[1] = (packet.len() - 2) as u8;
    stream.write_all(&packet)?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    ensure!(answer == [0x90, 3, 0, 1, 0], "the broker refuses: {answer:?}");
    Ok(())
}

/// A PUBLISH packet at QoS 0, which comes to subscribers as it is.
pub(crate) fn publish(size: usize) -> Vec<u8> {
    let mut packet = vec![0x30];
    let mut rest = 2 + TOPIC.len() + size;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        packet.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    packet.extend([0, TOPIC.len() as u8]);
    packet.extend(TOPIC);
    packet.extend(std::iter::repeat_n(7, size));
    packet
}

/// The same at QoS 1, by this identifier. Subscribers at QoS 0 get it as the one before.
pub(crate) fn publish_surely(size: usize, id: u16) -> Vec<u8> {
    let plain = publish(size + 2);
    let topic = plain.len() - size - 2;
    let mut packet = plain[..topic].to_vec();
    packet[0] = 0x32;
    packet.extend(id.to_be_bytes());
    packet.extend(std::iter::repeat_n(7, size));
    packet
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian puts it where only the administrator looks.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join("mosquitto"))
        .find(|program| Path::is_file(program))
}
