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

/// A connection until it is ended: after that, whoever reads or writes is told that it broke.
pub(super) struct Line {
    stream: TlsStream<TcpStream>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Line {
    /// A connection that the token ends.
    pub(super) fn new(stream: TlsStream<TcpStream>, ended: CancellationToken) -> Self {
        Self { stream, ended: Box::pin(ended.cancelled_owned()) }
    }

    /// As the library takes it: what it calls WebSocket is any stream that is not its own.
    pub(super) fn transport(self) -> BrokerTransport {
        BrokerTransport::WebSocket(Box::new(self))
    }

    /// The connection, if it has not been ended; a task that waits for it is woken when it is.
    fn open(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TlsStream<TcpStream>>> {
        match self.ended.as_mut().poll(context) {
            Poll::Ready(()) => Err(ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
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
        self.open(context)?.poll_read(context, buffer)
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
