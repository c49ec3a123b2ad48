//! A connection to the broker: opened, and the client introduced.

use super::fault::LinkFault;
use super::identity::IdentityError;
use super::settings::LinkSettings;
use super::wire::read::read;
use super::wire::write::{self, Connect};
use super::wire::{ConnAck, Packet};
use crate::network::{self, Stream, Target};
use crate::tasks::Tasks;
use bytes::BytesMut;
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// A connection over which the broker has let the client in.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    pub(super) connack: ConnAck,
    /// What came after that.
    pub(super) input: BytesMut,
}

/// Connect as this client.
///
/// # Errors
/// Why not.
pub(super) async fn open(
    settings: &LinkSettings,
    client: &str,
    tasks: &Tasks,
) -> Result<Connection, LinkFault> {
    let reach = |settings| async move { reach(&settings).await };
    let mut stream = by_identity(settings, tasks, reach).await?;
    let mut output = BytesMut::new();
    let connect = Connect {
        client,
        keep_alive: u16::try_from(settings.keep_alive.as_secs()).unwrap_or(u16::MAX),
        session_expiry: settings.session_expiry,
        receive_maximum: settings.receive_maximum,
        packet_bytes: settings.packet_bytes(),
        login: settings.login.as_ref().map(|login| (&*login.user, login.password.as_deref())),
    };
    write::connect(&mut output, settings.version, &connect);
    stream.write_all(&output).await?;
    stream.flush().await?;
    let mut input = BytesMut::new();
    let answer = timeout(settings.operation_timeout, answer(settings, &mut stream, &mut input));
    match answer.await.map_err(|_| LinkFault::Silent("to CONNECT"))? {
        Ok(Packet::ConnAck(connack)) if connack.reason.is_failure() => {
            Err(LinkFault::Refused { client: client.to_owned(), reason: connack.reason })
        }
        Ok(Packet::ConnAck(connack)) => Ok(Connection { stream, connack, input }),
        Ok(Packet::Disconnect(reason)) => {
            Err(LinkFault::Ended { client: client.to_owned(), reason })
        }
        Ok(_) => Err(LinkFault::Wire(super::wire::read::WireError::Unexpected(0))),
        Err(LinkFault::Closed) => Err(LinkFault::ClosedAtOnce(client.to_owned())),
        Err(fault) => Err(fault),
    }
}

/// Do what uses the identity. A token keeps whoever asks waiting, which no other task is to notice.
pub(super) async fn by_identity<T: Send + 'static, F: Future<Output = Result<T, LinkFault>>>(
    settings: &LinkSettings,
    tasks: &Tasks,
    act: impl FnOnce(LinkSettings) -> F + Send + 'static,
) -> Result<T, LinkFault> {
    let (identity, settings) = (settings.identity.clone(), settings.clone());
    let act = move || act(settings);
    let Some(identity) = identity else { return act().await };
    let acted = identity.using(tasks, act).await;
    acted.map_err(|error| LinkFault::Lost(io::Error::other(error)))?
}

/// A connection to the broker, of which it knows no more than what TLS says.
async fn reach(settings: &LinkSettings) -> Result<Box<dyn Stream>, LinkFault> {
    match &settings.identity {
        Some(identity) => {
            let [broker, proxy] = identity.load()?;
            let stream = dial(settings, &proxy).await?;
            Ok(Box::new(secure(settings, stream, &broker).await?))
        }
        None => dial(settings, &proxy_tls(settings)?).await,
    }
}

/// A connection to the broker's port, over which nothing was said to the broker; TLS is spoken so to
/// a proxy before it.
pub(super) async fn dial(
    settings: &LinkSettings,
    proxy: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, LinkFault> {
    let (host, port) = (settings.host.clone(), settings.port);
    let target = Target { host, port, tls: settings.identity.is_some() };
    Ok(network::reach(&target, &settings.proxies, proxy, settings.socket_timeout).await?)
}

/// Speak TLS to the broker.
pub(super) async fn secure(
    settings: &LinkSettings,
    stream: Box<dyn Stream>,
    broker: &Arc<ClientConfig>,
) -> Result<TlsStream<Box<dyn Stream>>, LinkFault> {
    Ok(network::secure(&settings.host, stream, broker, settings.socket_timeout).await?)
}

/// How TLS is spoken to a proxy, whether or not it is to the broker.
pub(super) fn proxy_tls(settings: &LinkSettings) -> Result<Arc<ClientConfig>, LinkFault> {
    Ok(match &settings.identity {
        Some(identity) => identity.to_proxy()?,
        None => network::tls::public().map_err(IdentityError::Unusable)?,
    })
}

/// The first packet that the broker sends.
async fn answer(
    settings: &LinkSettings,
    stream: &mut Box<dyn Stream>,
    input: &mut BytesMut,
) -> Result<Packet, LinkFault> {
    let most = settings.packet_bytes() as usize;
    loop {
        if let Some(packet) = read(input, settings.version, most)? {
            return Ok(packet);
        }
        if is_closed(stream.read_buf(input).await)? {
            return Err(LinkFault::Closed);
        }
    }
}

/// Whether what was read is the end. Not all say goodbye in TLS before they hang up.
pub(super) fn is_closed(read: io::Result<usize>) -> io::Result<bool> {
    match read {
        Ok(bytes) => Ok(bytes == 0),
        Err(error)
            if [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset]
                .contains(&error.kind()) =>
        {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// The name of a device's nth connection: `T`, `T#2`, `T#3` …, as with the Java nucleus. All have to
/// be allowed by the policy of its certificate.
pub(super) fn client(settings: &LinkSettings, connection: usize) -> String {
    match connection {
        0 => settings.thing.to_string(),
        further => format!("{}#{}", settings.thing, further + 1),
    }
}

/// How long the broker lets a client be silent.
pub(super) fn keep_alive(settings: &LinkSettings, connack: &ConnAck) -> Duration {
    match connack.keep_alive {
        // The broker's word counts; 0 is no limit.
        Some(seconds @ 1..) => Duration::from_secs(seconds.into()),
        _ => settings.keep_alive,
    }
}
