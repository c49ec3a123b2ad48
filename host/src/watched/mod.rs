//! Files of which the executor says when there is something to do with them, and [`files`] when they
//! were written anew.

pub(crate) mod files;

use std::io;
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Have the executor look at a file, for nothing but this interest.
///
/// # Errors
/// The kernel cannot watch it, or nothing more.
#[expect(unsafe_code, reason = "the executor trusts that a file stays open")]
pub(crate) fn watched<T: AsRawFd>(held: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: callers hand over what owns the file or a share of it, so that it stays open and the
    // same file, and take nothing out again.
    Ok(unsafe { AsyncFd::register_with_interest(held, interest) }?)
}
