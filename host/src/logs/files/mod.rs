//! The log files of a device: one for each component and `greengrass.log` for the nucleus itself,
//! bounded in size, and never what fills the disk.
//!
//! Nothing here fails: what cannot be written is left out and counted, which is said once when it
//! begins and in each log when it is over.

mod file;
#[cfg(test)]
mod tests;
mod writer;

use super::format::LogFormat;
use super::{Level, Record};
use crate::tasks::Tasks;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use writer::Writer;

/// The folder of the log files in a root folder, unless told otherwise.
pub const FOLDER: &str = "logs";

/// Records that are written at once, after which everything is in the files.
const BATCH: usize = 256;

/// Bytes of the disk that are left to others.
const KEEP_FREE: u64 = 20 << 20;

/// How a device keeps its logs: `logging` in the configuration of a nucleus.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogSettings {
    /// `level`: what is below it is not written.
    pub level: Level,
    /// `format`.
    pub format: LogFormat,
    /// `fileSizeKB` in bytes: a file that would grow beyond it is set aside.
    pub file_size: u64,
    /// `totalLogsSizeKB` in bytes: the oldest files of a component go when all of them would
    /// exceed it.
    pub total_size: u64,
    /// `outputDirectory`.
    pub folder: PathBuf,
}

impl LogSettings {
    /// Greengrass's defaults, for the device with this root folder.
    pub fn new(root: &Path) -> Self {
        Self {
            level: Level::Info,
            format: LogFormat::Text,
            file_size: 1 << 20,
            total_size: 10 << 20,
            folder: root.join(FOLDER),
        }
    }
}

/// The task that writes the log files, on a thread of its own.
#[derive(Debug)]
pub struct LogFiles {
    task: JoinHandle<()>,
    /// Ends the task, also when this is dropped.
    done: DropGuard,
    new_settings: Arc<Mutex<Option<LogSettings>>>,
    /// Its thread lives as long as they.
    _tasks: Tasks,
}

impl LogFiles {
    /// Begin to write what components say and, from [`super::own`], what the host says itself.
    pub fn start(
        settings: LogSettings,
        tasks: &Tasks,
        records: mpsc::Receiver<Record>,
        own: Option<mpsc::Receiver<Record>>,
    ) -> Self {
        Self::start_with(Writer::new(settings, KEEP_FREE), tasks, records, own)
    }

    fn start_with(
        writer: Writer,
        tasks: &Tasks,
        records: mpsc::Receiver<Record>,
        own: Option<mpsc::Receiver<Record>>,
    ) -> Self {
        let done = CancellationToken::new();
        let new_settings = Arc::default();
        let own = own.unwrap_or_else(|| mpsc::channel(1).1);
        let write = write(writer, records, own, Arc::clone(&new_settings), done.clone());
        let task = tasks.spawn_blocking(move || Handle::current().block_on(write));
        Self { task, done: done.drop_guard(), new_settings, _tasks: tasks.clone() }
    }

    /// Go on with other settings, from the next record on.
    pub fn set(&self, settings: LogSettings) {
        *self.new_settings.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings);
    }

    /// Write what has been said so far, and end.
    pub async fn finish(self) {
        drop(self.done);
        let _panicked = self.task.await;
    }
}

async fn write(
    mut writer: Writer,
    mut records: mpsc::Receiver<Record>,
    mut own: mpsc::Receiver<Record>,
    new_settings: Arc<Mutex<Option<LogSettings>>>,
    done: CancellationToken,
) {
    let (mut batch, mut own_batch) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    let (mut more, mut more_own) = (true, true);
    while more || more_own {
        let next = async {
            tokio::select! {
                count = records.recv_many(&mut batch, BATCH), if more => more = count > 0,
                count = own.recv_many(&mut own_batch, BATCH), if more_own => more_own = count > 0,
            }
        };
        tokio::select! {
            biased;
            () = next => {}
            () = done.cancelled() => return,
        }
        let settings = new_settings.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(settings) = settings {
            writer.set(settings);
        }
        // A log at a time: few are open at once.
        batch.sort_by(|one: &Record, other| one.component.cmp(&other.component));
        for record in batch.drain(..).chain(own_batch.drain(..)) {
            writer.write(&record);
        }
        writer.flush();
    }
}
