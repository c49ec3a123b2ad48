//! A real broker (mosquitto), a client beside the one under test, certificates, and a network that
//! can be cut.

use gg_host::cloud::wire::read::read;
use gg_host::cloud::wire::write::{self, Connect};
use gg_host::cloud::wire::{Incoming, Packet};
use gg_host::cloud::{Publication, Qos};
use gg_model::MqttVersion;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::host::folder;

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A port that nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A broker on this machine.
pub(crate) struct Broker {
    pub(crate) port: u16,
    folder: TempDir,
    child: Option<Child>,
    lines: Receiver<String>,
    /// What it said so far.
    said: Vec<String>,
}

impl Broker {
    /// One that takes everybody.
    pub(crate) fn start() -> Self {
        Self::with("allow_anonymous true")
    }

    /// One with these settings; `{folder}` in them is its folder.
    pub(crate) fn with(settings: &str) -> Self {
        Self::prepared(folder(), settings)
    }

    /// The same, in a folder in which something is there already.
    pub(crate) fn prepared(folder: TempDir, settings: &str) -> Self {
        // Between the look for a port and its use another may take it.
        for _ in 0..10 {
            let port = free_port();
            let path = folder.path().display().to_string();
            let settings = settings.replace("{folder}", &path);
            let config = format!(
                "user root\nper_listener_settings false\nlistener {port} 127.0.0.1\n\
                 log_dest stderr\nlog_type all\nconnection_messages true\n\
                 persistence true\npersistence_location {path}/\n{settings}\n"
            );
            fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
            if let Some((child, lines)) = run(folder.path()) {
                return Self { port, folder, child: Some(child), lines, said: Vec::new() };
            }
        }
        panic!("mosquitto does not start")
    }

    /// Wait until it says something that holds these words; gives the line.
    pub(crate) fn says(&mut self, words: &[&str]) -> String {
        loop {
            let holds = |line: &&String| words.iter().all(|word| line.contains(word));
            if let Some(line) = self.said.iter().find(holds) {
                return line.clone();
            }
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("mosquitto does not say {words:?}, but {:#?}", self.said),
            }
        }
    }

    /// How many connections clients whose names begin so have made since it was run last.
    pub(crate) fn clients(&mut self, name: &str) -> usize {
        self.said.extend(self.lines.try_iter());
        let connected = format!(" as {name}");
        let made =
            |line: &&String| line.contains("New client connected") && line.contains(&connected);
        self.said.iter().filter(made).count()
    }

    /// End it in order: it keeps what it has.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
    }

    /// End it at once.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            kill_process(Pid::from_child(&child), signal).unwrap();
            child.wait().unwrap();
        }
    }

    /// Run it again, after it was ended.
    pub(crate) fn again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let (child, lines) = run(self.folder.path()).unwrap();
        (self.child, self.lines) = (Some(child), lines);
        self.said.clear();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Run it, and wait until it listens. `None`: it cannot.
fn run(folder: &Path) -> Option<(Child, Receiver<String>)> {
    // Debian puts it where only the administrator looks.
    let debian = Path::new("/usr/sbin/mosquitto");
    let program = if debian.is_file() { debian } else { Path::new("mosquitto") };
    let child = Command::new(program)
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        child.unwrap_or_else(|error| panic!("no mosquitto ({error}); run cargo xtask test"));
    let (tell, lines) = channel();
    let mut output = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in output.by_ref() {
        let line = line.unwrap();
        if line.contains(" running") {
            thread::spawn(move || {
                for line in output.map_while(Result::ok) {
                    if tell.send(line).is_err() {
                        // Read on, so that it is not stopped by a full pipe.
                    }
                }
            });
            return Some((child, lines));
        }
    }
    child.wait().unwrap();
    None
}

/// A client beside the one under test.
pub(crate) struct Peer {
    stream: TcpStream,
    input: bytes::BytesMut,
    /// What came while something else was waited for.
    came: VecDeque<Publication>,
    ids: u16,
}

impl Peer {
    /// Connect by this name, and subscribe to these filters.
    pub(crate) async fn connect(port: u16, client: &str, filters: &[&str]) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (input, came) = (bytes::BytesMut::new(), VecDeque::new());
        let mut peer = Self { stream, input, came, ids: 0 };
        let connect = Connect {
            client,
            keep_alive: 0,
            session_expiry: 1000,
            receive_maximum: 1000,
            packet_bytes: 1 << 20,
            login: None,
        };
        peer.send(|out| write::connect(out, MqttVersion::V5, &connect)).await;
        let Packet::ConnAck(connack) = peer.answer().await else { panic!("no CONNACK") };
        assert!(!connack.reason.is_failure(), "{}", connack.reason);
        for filter in filters {
            peer.ids += 1;
            let (id, qos) = (peer.ids, Qos::AtLeastOnce);
            peer.send(|out| write::subscribe(out, MqttVersion::V5, id, filter, qos, None)).await;
            let Packet::SubAck(_, reason) = peer.answer().await else { panic!("no SUBACK") };
            assert!(!reason.is_failure(), "{reason}");
        }
        peer
    }

    /// Publish, and wait for the acknowledgement of QoS 1.
    pub(crate) async fn publish(&mut self, publication: &Publication) {
        self.ids += 1;
        let id = (publication.qos == Qos::AtLeastOnce).then_some(self.ids);
        self.send(|out| write::publish(out, MqttVersion::V5, publication, id, false)).await;
        if let Some(id) = id {
            let Packet::PubAck(acknowledged, _) = self.answer().await else { panic!("no PUBACK") };
            assert_eq!(acknowledged, id);
        }
    }

    /// The next message, which is acknowledged.
    pub(crate) async fn next(&mut self) -> Publication {
        while self.came.is_empty() {
            let other = self.packet().await;
            assert!(other.is_none(), "{other:?}");
        }
        self.came.pop_front().unwrap()
    }

    /// The next message, which is acknowledged; `None` once the broker is gone.
    pub(crate) async fn next_until_end(&mut self) -> Option<Publication> {
        loop {
            if let Some(message) = self.came.pop_front() {
                return Some(message);
            }
            match read(&mut self.input, MqttVersion::V5, 1 << 20).unwrap() {
                Some(Packet::Publish(Incoming { publication, id, .. })) => {
                    let mut out = bytes::BytesMut::new();
                    id.iter().for_each(|id| write::acknowledge(&mut out, *id));
                    // What came before the broker went is still there to be read.
                    let _gone = self.stream.write_all(&out).await;
                    self.came.push_back(publication);
                }
                Some(_) => {}
                None => match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
            }
        }
    }

    /// The next packet that is no message.
    async fn answer(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.packet().await {
                return packet;
            }
        }
    }

    async fn send(&mut self, write: impl FnOnce(&mut bytes::BytesMut)) {
        let mut out = bytes::BytesMut::new();
        write(&mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next packet; a message is set aside.
    async fn packet(&mut self) -> Option<Packet> {
        let packet = async {
            loop {
                if let Some(packet) = read(&mut self.input, MqttVersion::V5, 1 << 20).unwrap() {
                    return packet;
                }
                let got = self.stream.read_buf(&mut self.input).await.unwrap();
                assert!(got > 0, "the broker closes the connection");
            }
        };
        match tokio::time::timeout(DEADLINE, packet).await.unwrap() {
            Packet::Publish(Incoming { publication, id, .. }) => {
                if let Some(id) = id {
                    self.send(|out| write::acknowledge(out, id)).await;
                }
                self.came.push_back(publication);
                None
            }
            other => Some(other),
        }
    }
}

/// An authority that signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own.
    pub(crate) certificate: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Valid {
    Now,
    NotYet,
    NoMore,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// What signs.
    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// Write a certificate for a name into a folder, as NAME.pem, and its key, as NAME.key.
    pub(crate) fn sign(&self, folder: &Path, file: &str, name: &str, valid: Valid) -> [PathBuf; 2] {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let (from, to) = match valid {
            Valid::Now => (2000, 2100),
            Valid::NotYet => (2090, 2100),
            Valid::NoMore => (2000, 2001),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = [format!("{file}.pem"), format!("{file}.key")].map(|name| folder.join(name));
        // The key first: a pair counts once the certificate is there.
        fs::write(&paths[1], key.serialize_pem()).unwrap();
        fs::write(&paths[0], certificate.pem()).unwrap();
        paths
    }

    /// Write its own certificate into a folder.
    pub(crate) fn write(&self, folder: &Path, file: &str) -> PathBuf {
        let path = folder.join(format!("{file}.pem"));
        fs::write(&path, &self.certificate).unwrap();
        path
    }
}

/// What becomes of the bytes that go over a network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weather {
    /// They arrive.
    Fair,
    /// They go nowhere, and no connection ends.
    Silent,
    /// Connections end, and none is made.
    Cut,
    /// One side of each connection ends.
    HalfClosed,
    /// A byte of what the broker sends is another.
    Corrupt,
}

/// A network between this machine and a port of it.
pub(crate) struct Network {
    pub(crate) port: u16,
    weather: tokio::sync::watch::Sender<Weather>,
    /// What a proxy was asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Network {
    /// One that leads to a port.
    pub(crate) async fn to(port: u16) -> Self {
        Self::new(port, false).await
    }

    /// A proxy that connects to a port whatever it is asked for.
    pub(crate) async fn proxy(port: u16) -> Self {
        Self::new(port, true).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "there is no host here whose end it would outlive"
    )]
    async fn new(to: u16, proxy: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (weather, now) = tokio::sync::watch::channel(Weather::Fair);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if *now.borrow() == Weather::Cut {
                    continue;
                }
                let (now, seen) = (now.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if proxy {
                        let mut head = Vec::new();
                        while !head.ends_with(b"\r\n\r\n") {
                            let Ok(byte) = stream.read_u8().await else { return };
                            head.push(byte);
                        }
                        seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                    }
                    // Nobody may be there: the connection ends.
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let (from_client, to_client) = stream.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::select! {
                        () = carry(from_client, to_server, now.clone(), false) => {}
                        () = carry(from_server, to_client, now, true) => {}
                    }
                });
            }
        });
        Self { port, weather, asked }
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// End all connections, and wait until they are over; until it is fair again, none is made.
    pub(crate) async fn cut(&self) {
        self.set(Weather::Cut);
        // Each looks at the weather, as does who lets them in.
        while self.weather.receiver_count() > 1 {
            tokio::task::yield_now().await;
        }
    }
}

/// Carry bytes one way until the connection ends.
async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut weather: tokio::sync::watch::Receiver<Weather>,
    from_broker: bool,
) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let now = *weather.borrow_and_update();
        match now {
            Weather::Cut => return,
            Weather::HalfClosed if from_broker => {
                let _closed = to.shutdown().await;
                return std::future::pending().await;
            }
            _ => {}
        }
        tokio::select! {
            read = from.read(&mut bytes) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    if now == Weather::Silent {
                        continue;
                    }
                    if now == Weather::Corrupt && from_broker {
                        bytes[0] = 0xFF;
                    }
                    if to.write_all(&bytes[..length]).await.is_err() {
                        return;
                    }
                }
            },
            Ok(()) = weather.changed() => {}
        }
    }
}
