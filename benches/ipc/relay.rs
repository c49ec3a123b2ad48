//! The floor: a process that gives what one connection writes to all others, byte by byte, and knows
//! nothing of what it is.

use crate::common;
use anyhow::{Context, Result};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What this program is called with to be a relay.
pub(crate) const WORD: &str = "--relay";

/// Bytes read at once.
const READ: usize = 64 * 1024;

/// A relay, which ends when this is dropped.
pub(crate) struct Relay {
    process: Child,
    pub(crate) publisher: UnixStream,
    pub(crate) subscribers: Vec<UnixStream>,
    _folder: TempDir,
}

impl Relay {
    /// Start one with so many subscribers.
    pub(crate) fn start(subscribers: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        let mut command: Command = common::program(std::env::current_exe()?);
        command.arg(WORD).arg(&path).arg(subscribers.to_string());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        // It says when it listens.
        let mut word = [0];
        process.stdout.as_mut().context("a pipe")?.read_exact(&mut word)?;
        let publisher = UnixStream::connect(&path)?;
        let connect = |_| UnixStream::connect(&path);
        let subscribers = (0..subscribers).map(connect).collect::<std::io::Result<_>>()?;
        Ok(Self { process, publisher, subscribers, _folder: folder })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// Be one, until the connection ends that came first.
pub(crate) fn run(path: &Path, subscribers: usize) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    let (mut publisher, _) = listener.accept()?;
    let accept = |_| Ok(listener.accept()?.0);
    let mut subscribers: Vec<UnixStream> = (0..subscribers).map(accept).collect::<Result<_>>()?;
    let mut bytes = vec![0; READ];
    loop {
        let length = publisher.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        for subscriber in &mut subscribers {
            subscriber.write_all(&bytes[..length])?;
        }
    }
}
