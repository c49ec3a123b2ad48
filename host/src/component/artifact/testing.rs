//! A component's folders, and servers that do what they are told, for the tests beside this.

use super::source::https::Https;
use super::source::{ArtifactSource, Files};
use super::unpack::UnpackLimits;
use super::{ArtifactError, Digest, FetchSettings, Fetcher, Folders, Retry, Transfer};
use crate::network::{Client, Patience, ProxySettings};
use crate::tasks::Tasks;
use base64::Engine as _;
use gg_model::recipe::{Artifact, Permission, Unarchive};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The folders of one component, and what brings its files.
pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) tasks: Tasks,
    pub(super) folders: Folders,
    pub(super) settings: FetchSettings,
    pub(super) proxies: ProxySettings,
    pub(super) patience: Patience,
    /// What was told.
    pub(super) told: Mutex<Vec<String>>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("packages");
        let folders = Folders {
            artifacts: store.join("artifacts/com.example/1.0.0"),
            unarchived: store.join("artifacts-unarchived/com.example/1.0.0"),
        };
        std::fs::create_dir(&store).unwrap();
        let moment = Duration::from_millis(1);
        let settings = FetchSettings {
            store,
            store_bytes: 64 << 20,
            file_bytes: 16 << 20,
            unpack: UnpackLimits::default(),
            retry: Retry { attempts: 4, first: moment, most: moment },
        };
        let second = Duration::from_secs(5);
        let patience = Patience { connect: second, answer: second, silence: second };
        let (tasks, told) = (Tasks::new(NonZeroUsize::new(1)).unwrap(), Mutex::default());
        let proxies = ProxySettings::default();
        Self { folder, tasks, folders, settings, proxies, patience, told }
    }

    pub(super) async fn fetch(&self, artifacts: &[Artifact]) -> Result<(), ArtifactError> {
        let tls = trusting_client();
        let client = Client::new([tls.clone(), tls], self.proxies.clone(), self.patience);
        let https = Https::new(client);
        let sources: Vec<Box<dyn ArtifactSource>> =
            vec![Box::new(Files::new(self.tasks.clone())), Box::new(https)];
        let fetcher = Fetcher::new(self.tasks.clone(), sources, self.settings.clone());
        let tell = |transfer: Transfer<'_>| {
            let told = match transfer {
                Transfer::Brought { file, bytes, of } => format!("{file} {bytes} of {of:?}"),
                Transfer::Ready { file } => format!("{file} ready"),
                Transfer::Unpacking { file } => format!("{file} unpacking"),
                Transfer::Waiting { file, error, .. } => format!("{file} waiting: {error}"),
            };
            self.told.lock().unwrap().push(told);
        };
        fetcher.fetch(artifacts, &self.folders, &tell).await
    }

    /// A file of the component as it is now.
    pub(super) fn file(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folders.artifacts.join(name)).ok()
    }

    /// Put a file there by hand.
    pub(super) fn put(&self, name: &str, content: &[u8]) {
        std::fs::create_dir_all(&self.folders.artifacts).unwrap();
        std::fs::write(self.folders.artifacts.join(name), content).unwrap();
    }

    /// A file outside of the component's folders.
    pub(super) fn outside(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// How many attempts have failed and were followed by another.
    pub(super) fn waits(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|told| told.contains(" waiting: ")).count()
    }
}

/// An artifact that must hold this, or anything.
pub(super) fn artifact(uri: &str, content: Option<&[u8]>) -> Artifact {
    Artifact {
        uri: uri.parse().unwrap(),
        unarchive: Unarchive::None,
        digest: content.map(|mut content| Digest::of_file(&mut content).unwrap().to_string()),
        algorithm: content.map(|_| "SHA-256".to_owned()),
        permission: Permission::default(),
    }
}

/// Bytes that do not repeat soon.
pub(super) fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(super) struct Head(String);

impl Head {
    pub(super) fn line(&self) -> &str {
        self.0.lines().next().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Where the range begins that is asked for.
    pub(super) fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What a server does with a connection, once it has the request.
pub(super) enum Reply {
    /// Send this and close.
    Send(Vec<u8>),
    /// Send this and then nothing, without closing.
    Hang(Vec<u8>),
    /// Send this, and then zeros until the other side has enough.
    Endless(Vec<u8>),
}

/// An answer with a body.
pub(super) fn ok(tag: &str, body: &[u8]) -> Vec<u8> {
    with_body(&format!("HTTP/1.1 200 OK\r\nETag: {tag}\r\n"), body)
}

/// An answer with the rest of a body.
pub(super) fn partial(tag: &str, body: &[u8], from: usize) -> Vec<u8> {
    let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
    let head = format!("HTTP/1.1 206 Partial\r\nETag: {tag}\r\nContent-Range: {range}\r\n");
    with_body(&head, &body[from..])
}

/// An answer without.
pub(super) fn status(status: u16, headers: &str) -> Vec<u8> {
    with_body(&format!("HTTP/1.1 {status} It is so\r\n{headers}"), b"")
}

fn with_body(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// What a server that knows ranges says.
pub(super) fn serve(head: &Head, tag: &str, body: &[u8]) -> Vec<u8> {
    match head.range() {
        Some(from) if head.header("if-range") == Some(tag) => {
            if from < body.len() {
                partial(tag, body, from)
            } else {
                status(416, "")
            }
        }
        _ => ok(tag, body),
    }
}

/// A server on this machine that answers the requests it gets one after the other.
pub(super) struct Server {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<Head>>>,
}

impl Server {
    /// Answer the nth request so.
    pub(super) async fn start(
        tasks: &Tasks,
        answer: impl FnMut(usize, &Head) -> Reply + Send + 'static,
    ) -> Self {
        Self::listen(tasks, None, answer).await
    }

    /// The same behind TLS, with a certificate for `localhost` and `files.test`.
    pub(super) async fn start_tls(
        tasks: &Tasks,
        answer: impl FnMut(usize, &Head) -> Reply + Send + 'static,
    ) -> Self {
        Self::listen(tasks, Some(acceptor()), answer).await
    }

    async fn listen(
        tasks: &Tasks,
        tls: Option<tokio_rustls::TlsAcceptor>,
        mut answer: impl FnMut(usize, &Head) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let serving = async move {
            // Those that hang stay open as long as the server is there.
            let mut hanging = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream: Box<dyn Stream> = match &tls {
                    None => Box::new(stream),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => continue,
                    },
                };
                let Some(head) = read_head(&mut stream).await else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(head.clone());
                    seen.len() - 1
                };
                match answer(number, &head) {
                    Reply::Send(bytes) => {
                        let _sent = stream.write_all(&bytes).await;
                        let _closed = stream.shutdown().await;
                    }
                    Reply::Hang(bytes) => {
                        let _sent = stream.write_all(&bytes).await;
                        let _sent = stream.flush().await;
                        hanging.push(stream);
                    }
                    Reply::Endless(bytes) => {
                        let _sent = stream.write_all(&bytes).await;
                        while stream.write_all(&[0; 64 << 10]).await.is_ok() {}
                    }
                }
            }
        };
        drop(tasks.spawn(serving));
        Self { port, requests }
    }

    pub(super) fn uri(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn requests(&self) -> Vec<Head> {
        self.requests.lock().unwrap().clone()
    }
}

/// A proxy on this machine that connects to a port whatever it is asked for, given these
/// credentials. Gives its own port, and what it was asked.
pub(super) async fn proxy(
    tasks: &Tasks,
    to: u16,
    authorization: &'static str,
) -> (u16, Arc<Mutex<Vec<Head>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let serving = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream: Box<dyn Stream> = Box::new(stream);
            let Some(head) = read_head(&mut stream).await else { continue };
            seen.lock().unwrap().push(head.clone());
            if head.header("proxy-authorization") != Some(authorization) {
                let _sent = stream.write_all(&status(407, "")).await;
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let _sent = stream.write_all(b"HTTP/1.1 200 Connected\r\nVia: me\r\n\r\n").await;
            let _ended = copy_bidirectional(&mut stream, &mut server).await;
        }
    };
    drop(tasks.spawn(serving));
    (port, requests)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn read_head(stream: &mut Box<dyn Stream>) -> Option<Head> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(Head(String::from_utf8(head).unwrap()))
}

/// The certificate of the servers here, until the year 2120, and its key, which opens nothing.
const CERTIFICATE: &str = "MIIBcDCCARagAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxnZy1ob3N0IHRlc3QwIBcNMjAwMTAxMDAwMDAw\
    WhgPMjEyMDAxMDEwMDAwMDBaMBcxFTATBgNVBAMMDGdnLWhvc3QgdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\
    BBS3DtAPaYj9D6OumQw8dbiXRAf3k5rKz+TBLu2WmtxjpZAOTTFyjqcICUYHgi9WEyIGBzdRvkTNQaSmVDdRHGKjUTBP\
    MCAGA1UdEQQZMBeCCWxvY2FsaG9zdIIKZmlsZXMudGVzdDAMBgNVHRMBAf8EAjAAMB0GA1UdDgQWBBQ5mil9lon1tPrH\
    bNCNCIupw/XfPDAKBggqhkjOPQQDAgNIADBFAiBxhFfgrUiWgPJARbjFT1y+ucBJY4MKC4RYfTdDJkUhTQIhAMGYLIfV\
    bIgosj2s1aXx/ywMsyzQOYMg/5454DdZePCR";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZ8GQijzuffoFKm5QdutNERqRMSZPwMyI2MUIGz//5RCh\
    RANCAAQUtw7QD2mI/Q+jrpkMPHW4l0QH95Oays/kwS7tlprcY6WQDk0xco6nCAlGB4IvVhMiBgc3Ub5EzUGkplQ3URxi";

fn decoded(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn acceptor() -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(decoded(KEY)).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![decoded(CERTIFICATE).into()], key)
        .unwrap();
    Arc::new(config).into()
}

/// Trusts the servers here and no others.
fn trusting_client() -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(decoded(CERTIFICATE))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
