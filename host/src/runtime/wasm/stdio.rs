//! A guest's standard output and error: lines for the component's log. A guest that prints
//! faster than its lines are written down waits.

use crate::capability::caller::Caller;
use crate::capability::logging::Logging;
use crate::logs::{Level, LineSplitter, Source};
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes a guest may write before its lines are looked after: not more lines than there is room
/// for, unless they are very short.
const CHUNK: usize = 4 << 10;

/// One of a guest's two output streams. All its handles write the same lines.
#[derive(Clone, Debug)]
pub(super) struct LogStream {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    logging: Logging,
    caller: Caller,
    level: Level,
    source: Source,
    lines: Mutex<LineSplitter>,
}

impl LogStream {
    /// Standard output: a line is worth knowing.
    pub(super) fn stdout(logging: Logging, caller: Caller) -> Self {
        Self::new(logging, caller, Level::Info, Source::Stdout)
    }

    /// Standard error: a line is a warning, as in Greengrass.
    pub(super) fn stderr(logging: Logging, caller: Caller) -> Self {
        Self::new(logging, caller, Level::Warn, Source::Stderr)
    }

    fn new(logging: Logging, caller: Caller, level: Level, source: Source) -> Self {
        // One byte more than is kept, so that the sink sees that a line was longer.
        let most = logging.sink().line_bytes().saturating_add(1);
        let lines = Mutex::new(LineSplitter::new(most));
        Self { shared: Arc::new(Shared { logging, caller, level, source, lines }) }
    }

    fn push(&self, bytes: &[u8]) {
        let shared = &self.shared;
        let mut lines = shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(bytes, |line| shared.log(line));
    }
}

impl Shared {
    fn log(&self, line: &str) {
        self.logging.log(&self.caller, self.level, self.source, line, Vec::new());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let lines = std::mem::replace(&mut self.lines, Mutex::new(LineSplitter::new(0)));
        lines.into_inner().unwrap_or_else(PoisonError::into_inner).end(|line| self.log(line));
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {
        self.shared.logging.sink().room().await;
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(if self.shared.logging.sink().has_room() { CHUNK } else { 0 })
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
