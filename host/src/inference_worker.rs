//! `gg-inference-worker`: what the host starts for each model. Not for people. A program of its own,
//! so that the host has no engine in it: what that takes of memory, it takes where a model runs.

use anyhow::{Context as _, Result};
use gg_host::inference::confine::confine;
use gg_host::inference::worker::{MOST_MODEL, MOST_TENSORS};
use gg_inference::backend::Candidate;
use gg_inference::backend::classical::Classical;
use gg_inference::worker::{WorkerLimits, serve};
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

/// Run one model, which comes over standard input, a socket. The argument: bytes of memory for it.
fn main() -> Result<()> {
    // What an engine has to say at its end goes into the answer.
    std::panic::set_hook(Box::new(|_| {}));
    let memory = std::env::args().nth(1).context("gg-host starts this for each model")?;
    let memory = memory.parse().context("bytes of memory")?;
    let socket = io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let socket = UnixStream::from(socket);
    let host = Host(socket.try_clone()?);
    confine(memory)?;
    let outputs = usize::try_from(MOST_TENSORS).unwrap_or(usize::MAX);
    let limits = WorkerLimits { body: MOST_MODEL, outputs };
    let mut candidates: Vec<Candidate<'_>> = vec![(&Classical, None)];
    #[cfg(feature = "tract")]
    candidates.extend(gg_inference_tract::CANDIDATES);
    Ok(serve(host, socket, &candidates, limits)?)
}

/// What the host says. When it has gone nobody waits for what a model may still compute for ever.
struct Host(UnixStream);

impl Read for Host {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) if !buffer.is_empty() => std::process::exit(0),
            read => read,
        }
    }
}
