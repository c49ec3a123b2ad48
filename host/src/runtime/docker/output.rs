//! What a container prints: lines for the component's log. A container that prints faster than its
//! lines are written down waits, since the engine holds back what is not fetched.

use crate::logs::{Level, LineSplitter, LogSink, Source};
use bollard::container::LogOutput;
use bollard::errors::Error;
use futures_util::{Stream, StreamExt};
use std::pin::pin;

/// Copy until the container closes its outputs or the engine is gone.
pub(super) async fn copy(output: impl Stream<Item = Result<LogOutput, Error>>, log: LogSink) {
    // One byte more than is kept, so that the sink sees that a line was longer.
    let most = log.line_bytes().saturating_add(1);
    let (mut stdout, mut stderr) = (LineSplitter::new(most), LineSplitter::new(most));
    let out = |line: &str| log.write(Level::Info, Source::Stdout, line, Vec::new());
    let err = |line: &str| log.write(Level::Warn, Source::Stderr, line, Vec::new());
    let mut output = pin!(output);
    while let Some(Ok(piece)) = output.next().await {
        let is_error = matches!(piece, LogOutput::StdErr { .. });
        for line in piece.into_bytes().split_inclusive(|byte| *byte == b'\n') {
            log.room().await;
            if is_error {
                stderr.push(line, err);
            } else {
                stdout.push(line, out);
            }
        }
    }
    stdout.end(out);
    stderr.end(err);
}
