//! A client's connection, which this server can end at any time.

use mqtt5::broker::transport::{BrokerTransport, WebSocketTransport};
use mqtt5::error::Result;
use std::future::Future as _;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Most bytes that are read after the end.
const LAST_WORDS: usize = 64 * 1024;

/// A connection until it is ended: after that it takes nothing, and gives what has come already, which
/// may be a goodbye.
pub(super) struct Line {
    stream: TlsStream<TcpStream>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How much may be read after the end.
    left: usize,
}

impl Line {
    /// A connection that the token ends.
    pub(super) fn new(stream: TlsStream<TcpStream>, ended: CancellationToken) -> Self {
        Self { stream, ended: Box::pin(ended.cancelled_owned()), left: LAST_WORDS }
    }

    /// As the library takes it: what it calls WebSocket is any stream that is not its own.
    pub(super) fn transport(self) -> BrokerTransport {
        BrokerTransport::WebSocket(Box::new(self))
    }

    /// Whether it has been ended; if not, the task is woken when it is.
    fn is_ended(&mut self, context: &mut Context<'_>) -> bool {
        self.ended.as_mut().poll(context).is_ready()
    }

    /// The connection, if it has not been ended.
    fn open(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TlsStream<TcpStream>>> {
        match self.is_ended(context) {
            true => Err(ErrorKind::ConnectionAborted.into()),
            false => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl WebSocketTransport for Line {
    fn peer_addr(&self) -> Result<SocketAddr> {
        Ok(self.stream.get_ref().0.peer_addr()?)
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_ended = self.is_ended(context);
        if is_ended && self.left == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let came = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !is_ended {
            return came;
        }
        self.left = self.left.saturating_sub(buffer.filled().len() - before);
        match came {
            Poll::Ready(came) => Poll::Ready(came),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open(context)?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open(context)?.poll_shutdown(context)
    }
}
