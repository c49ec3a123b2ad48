//! The command line's end. Blocks, since there is nothing else to do meanwhile.

use super::{LONGEST, Reply, Request, SOCKET};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Ask the nucleus of a root folder; `tell` hears how it gets on.
///
/// # Errors
/// No nucleus runs there, or it could not do what it was asked.
pub fn ask(root: &Path, request: &Request, mut tell: impl FnMut(Value)) -> Result<Value> {
    let path = root.join(SOCKET);
    let mut stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
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
            bail!("the nucleus ended before it had answered");
        }
        match serde_json::from_slice(&line).context("the nucleus speaks another version")? {
            Reply::Done(value) => return Ok(value),
            Reply::Failed(reason) => bail!("{reason}"),
            Reply::Progress(value) => tell(value),
        }
    }
}
