//! A thread that prints what components say.

use crate::cli::print::Style;
use crate::logs::Record;
use std::io::{self, BufWriter, Write as _};
use std::thread::JoinHandle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A thread that prints records as they come.
#[derive(Debug)]
pub(in crate::cli) struct Printer {
    thread: JoinHandle<()>,
    done: CancellationToken,
}

impl Printer {
    /// Begin to print.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(in crate::cli) fn start(records: mpsc::Receiver<Record>, style: Style) -> io::Result<Self> {
        let done = CancellationToken::new();
        let until = done.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let thread = std::thread::Builder::new()
            .name("gg-output".to_owned())
            .spawn(move || runtime.block_on(print(records, style, until)))?;
        Ok(Self { thread, done })
    }

    /// Print what has been said so far, and end.
    pub(in crate::cli) fn finish(self) {
        self.done.cancel();
        let _panicked = self.thread.join();
    }
}

async fn print(mut records: mpsc::Receiver<Record>, style: Style, done: CancellationToken) {
    let mut out = BufWriter::new(io::stdout());
    let mut line = String::new();
    let mut closed = false;
    loop {
        let record = tokio::select! {
            biased;
            record = records.recv() => record,
            () = done.cancelled() => None,
        };
        let Some(record) = record else { break };
        line.clear();
        style.push(&mut line, &record);
        // When nobody reads any more, what the components do still matters.
        if !closed {
            let written = out.write_all(line.as_bytes());
            let flushed = if records.is_empty() { out.flush() } else { Ok(()) };
            closed = written.and(flushed).is_err();
        }
    }
    let _closed = out.flush();
}
