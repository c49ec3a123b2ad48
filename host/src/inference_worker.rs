//! `gg-inference-worker`: what the host starts for each model. Not for people. A program of its own,
//! so that the host has no engine in it: what that takes of memory, it takes where a model runs.

use anyhow::{Context as _, Result};
use gg_host::inference::confine::{UNCONFINED, confine};
use gg_host::inference::worker::{MOST_MODEL, MOST_TENSORS};
use gg_inference::backend::classical::Classical;
use gg_inference::backend::{Backend, Candidate};
use gg_inference::worker::{Line, STACK, WorkerLimits, serve};
#[cfg(feature = "ort")]
use gg_inference_ort::Onnxruntime;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

/// Run one model, which comes over standard input, a socket. The arguments: bytes of memory for it, and
/// where onnxruntime is, if it is to be used.
fn main() -> Result<()> {
    // What an engine has to say at its end goes into the answer.
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = std::env::args_os().skip(1);
    let memory = arguments.next().context("gg-host starts this for each model")?;
    let memory =
        memory.to_str().and_then(|memory| memory.parse().ok()).context("bytes of memory")?;
    let socket = io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let socket = UnixStream::from(socket);
    let (host, to) = (Host(socket.try_clone()?), socket.try_clone()?);
    // While it can still open files.
    #[cfg(feature = "ort")]
    let onnxruntime = arguments.next().map(|path| Onnxruntime::load(path.as_ref()));
    // Before there is another thread, which would have what it had.
    if confine(memory).is_err() {
        std::process::exit(UNCONFINED);
    }
    let outputs = usize::try_from(MOST_TENSORS).unwrap_or(usize::MAX);
    let limits = WorkerLimits { body: MOST_MODEL, outputs };
    let serving = move || {
        let candidates: Vec<Candidate<'_>> = [
            vec![(&Classical as &dyn Backend, None)],
            #[cfg(feature = "ort")]
            onnxruntime.iter().map(|one| (one as &dyn Backend, None)).collect(),
            #[cfg(feature = "tract")]
            gg_inference_tract::CANDIDATES.to_vec(),
        ]
        .concat();
        let served = serve(host, to, &candidates, limits);
        std::process::exit(i32::from(served.is_err()));
    };
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(serving)
        .context("cannot start a thread")?;
    // When the host has gone nobody waits for what a model may still compute for ever.
    while !has_gone(&socket)? {}
    Ok(())
}

/// Wait for the other side's end. What it says meanwhile wakes nobody here.
fn has_gone(socket: &UnixStream) -> Result<bool> {
    match poll(&mut [PollFd::new(socket, PollFlags::empty())], None) {
        Ok(_) => Ok(true),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error).context("cannot wait for the host's end"),
    }
}

/// What the host says.
struct Host(UnixStream);

impl Read for Host {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Line for Host {
    fn is_ready(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&at_once))
            .is_ok_and(|ready| ready > 0)
    }
}
