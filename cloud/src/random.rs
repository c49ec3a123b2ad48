//! What nobody can guess, from the kernel.

use ring::rand::{SecureRandom as _, SystemRandom};
use std::io;

/// A few bytes that nobody can guess.
///
/// # Errors
/// The kernel gives none.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the kernel gives no random bytes"))?;
    Ok(bytes)
}

/// A text of letters from an alphabet of 32 or 64, which divides a byte evenly.
///
/// # Errors
/// The kernel gives no random bytes.
pub(crate) fn text<const N: usize>(alphabet: &[u8]) -> io::Result<String> {
    let letter = |byte: u8| char::from(alphabet[usize::from(byte) % alphabet.len()]);
    Ok(bytes::<N>()?.into_iter().map(letter).collect())
}

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
/// The kernel gives no random bytes.
pub(crate) fn uuid() -> io::Result<String> {
    let mut bytes = bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = crate::hexadecimal::hexadecimal(&bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(parts.join("-"))
}
