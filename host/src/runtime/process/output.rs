//! What a process prints: lines for the component's log. A process that prints faster than its
//! lines are written down waits.

use crate::logs::{Level, LineSplitter, LogSink, Source};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};

/// Bytes that are read before lines are looked after: not more lines than there is room for,
/// unless they are very short.
const CHUNK: usize = 4 << 10;

/// What may be read of one stream in a while, since lines that are left out cost time too. Each
/// line counts for some bytes more than it has.
const WHILE: Duration = Duration::from_millis(100);
const IN_A_WHILE: usize = 256 << 10;
const LINE: usize = 16;

/// A pipe: the end to read from, and the end for the process.
pub(super) fn pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Receiver::from_owned_fd(read)?, write))
}

/// Log what comes out of a pipe until no process has its other end.
pub(super) async fn follow(pipe: Receiver, level: Level, source: Source, sink: LogSink) {
    // One byte more than is kept, so that the sink sees that a line was longer.
    let mut lines = LineSplitter::new(sink.line_bytes().saturating_add(1));
    let mut buffer = vec![0; CHUNK];
    let mut pace = Pace::new();
    loop {
        sink.room().await;
        if pipe.readable().await.is_err() {
            break;
        }
        match pipe.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                let mut cost = length;
                lines.push(&buffer[..length], |line| {
                    cost += LINE;
                    sink.write(level, source, line, Vec::new());
                });
                pace.spend(cost).await;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    lines.end(|line| sink.write(level, source, line, Vec::new()));
}

/// Keeps a reader from taking a whole processor.
struct Pace {
    until: Instant,
    left: usize,
}

impl Pace {
    fn new() -> Self {
        Self { until: Instant::now() + WHILE, left: IN_A_WHILE }
    }

    async fn spend(&mut self, cost: usize) {
        self.left = self.left.saturating_sub(cost);
        if self.left == 0 {
            sleep_until(self.until).await;
        }
        if Instant::now() >= self.until {
            *self = Self::new();
        }
    }
}
