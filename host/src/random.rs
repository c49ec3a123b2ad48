//! Random bytes from the kernel.

use rustix::io::Result;
use rustix::rand::{GetRandomFlags, getrandom};

/// A few bytes that nobody can guess.
///
/// # Errors
/// The kernel gives none.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Any number, to spread in time what many devices do; without the kernel's help the largest.
pub(crate) fn spread() -> u64 {
    bytes().map_or(u64::MAX, u64::from_le_bytes)
}

/// The same, in place: a secret leaves no copy behind. At most 256 bytes.
///
/// # Errors
/// The kernel gives none.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    debug_assert!(bytes.len() <= 256, "so few are given all at once or not at all");
    getrandom(bytes, GetRandomFlags::empty()).map(|_| ())
}
