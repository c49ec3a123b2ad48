//! The command line's end. Blocks, since there is nothing else to do meanwhile.

use super::{LONGEST, Reply, Request, SOCKET};
use crate::ipc::socket::Reach;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The nucleus has ended, perhaps to start again.
#[derive(Debug, Error)]
#[error("the nucleus ended before it had answered")]
pub struct Gone;

/// How long a nucleus may take to be back.
const AWAY: Duration = Duration::from_secs(120);

/// Ask the nucleus of a root folder; `tell` hears how it gets on.
///
/// # Errors
/// No nucleus runs there, or it could not do what it was asked.
pub fn ask(root: &Path, request: &Request, mut tell: impl FnMut(Value)) -> Result<Value> {
    let path = root.join(SOCKET);
    let mut stream = connect(root).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => anyhow::anyhow!(
            "no nucleus runs in {root}; start one with gg-host start --root {root}",
            root = root.display()
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "{} belongs to another user; run this as the user that runs the nucleus",
            path.display()
        ),
        _ => anyhow::Error::from(error).context(format!("cannot open {}", path.display())),
    })?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).context("cannot ask the nucleus")?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if read.context("the nucleus does not answer")? == 0 {
            return Err(Gone.into());
        }
        match serde_json::from_slice(&line).context("the nucleus speaks another version")? {
            Reply::Done(value) => return Ok(value),
            Reply::Failed(reason) => bail!("{reason}"),
            Reply::Progress(value) => tell(value),
        }
    }
}

/// Ask as [`ask`] does, and again when the nucleus ends meanwhile and comes back: a deployment can
/// make it start again.
///
/// # Errors
/// As of [`ask`]; or it does not come back within two minutes.
pub fn ask_through_restarts(
    root: &Path,
    request: &Request,
    mut tell: impl FnMut(Value),
) -> Result<Value> {
    loop {
        match ask(root, request, &mut tell) {
            Err(error) if error.is::<Gone>() => wait_for(root)?,
            answer => return answer,
        }
    }
}

fn connect(root: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(Reach::of(&root.join(SOCKET))?.path())
}

fn wait_for(root: &Path) -> Result<()> {
    let begin = Instant::now();
    while connect(root).is_err() {
        if begin.elapsed() > AWAY {
            return Err(Gone.into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
