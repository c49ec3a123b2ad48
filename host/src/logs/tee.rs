//! Sends records two ways: to where they are kept, which is waited for, and to where they are shown,
//! which is not.

use super::{QUEUE, Record};
use tokio::sync::mpsc;

/// Takes records, and sends each on twice.
#[derive(Debug)]
pub struct Tee {
    records: mpsc::Receiver<Record>,
    kept: mpsc::Sender<Record>,
    shown: mpsc::Sender<Record>,
}

impl Tee {
    /// A tee with its two ends: what is to be kept, and what is to be shown.
    pub fn new(
        records: mpsc::Receiver<Record>,
    ) -> (Self, mpsc::Receiver<Record>, mpsc::Receiver<Record>) {
        let (kept, keeps) = mpsc::channel(QUEUE);
        let (shown, shows) = mpsc::channel(QUEUE);
        (Self { records, kept, shown }, keeps, shows)
    }

    /// Send on what comes, for ever.
    pub async fn run(&mut self) {
        while let Some(record) = self.records.recv().await {
            // One that reads too slowly misses some; the files have them.
            let _missed = self.shown.try_send(record.copy());
            let _ended = self.kept.send(record).await;
        }
        std::future::pending::<()>().await;
    }

    /// Send on what has come so far, and end.
    pub fn finish(mut self) {
        while let Ok(record) = self.records.try_recv() {
            let _missed = self.shown.try_send(record.copy());
            let _full = self.kept.try_send(record);
        }
    }
}
