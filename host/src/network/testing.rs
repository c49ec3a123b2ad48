//! Servers that do what they are told, for the tests of those who ask web servers.

use super::tls;
use crate::tasks::Tasks;
use base64::Engine as _;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The head of a request.
#[derive(Clone, Debug)]
pub(crate) struct Head(String);

impl Head {
    pub(crate) fn line(&self) -> &str {
        self.0.lines().next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Where the range begins that is asked for.
    pub(crate) fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What a server does with a connection, once it has the request.
pub(crate) enum Reply {
    /// Send this and close.
    Send(Vec<u8>),
    /// Send this and then nothing, without closing.
    Hang(Vec<u8>),
    /// Send this, and then zeros until the other side has enough.
    Endless(Vec<u8>),
}

/// An answer with a body.
pub(crate) fn ok(tag: &str, body: &[u8]) -> Vec<u8> {
    with_body(&format!("HTTP/1.1 200 OK\r\nETag: {tag}\r\n"), body)
}

/// An answer with the rest of a body.
pub(crate) fn partial(tag: &str, body: &[u8], from: usize) -> Vec<u8> {
    let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
    let head = format!("HTTP/1.1 206 Partial\r\nETag: {tag}\r\nContent-Range: {range}\r\n");
    with_body(&head, &body[from..])
}

/// An answer without.
pub(crate) fn status(status: u16, headers: &str) -> Vec<u8> {
    with_body(&format!("HTTP/1.1 {status} It is so\r\n{headers}"), b"")
}

fn with_body(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// What a server that knows ranges says.
pub(crate) fn serve(head: &Head, tag: &str, body: &[u8]) -> Vec<u8> {
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
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Head>>>,
}

impl Server {
    /// Answer the nth request so.
    pub(crate) async fn start(
        tasks: &Tasks,
        answer: impl FnMut(usize, &Head) -> Reply + Send + 'static,
    ) -> Self {
        Self::listen(tasks, None, answer).await
    }

    /// The same behind TLS, with a certificate for `localhost` and `files.test`.
    pub(crate) async fn start_tls(
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

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Head> {
        self.requests.lock().unwrap().clone()
    }
}

/// A proxy on this machine that connects to a port whatever it is asked for, given these
/// credentials. Gives its own port, and what it was asked.
pub(crate) async fn proxy(
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
pub(crate) fn trusting_client() -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(decoded(CERTIFICATE))).unwrap();
    Arc::new(tls::trusting(roots).unwrap().with_no_client_auth())
}

/// The same, for a file of roots.
pub(crate) fn certificate_pem() -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(decoded(CERTIFICATE));
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}
