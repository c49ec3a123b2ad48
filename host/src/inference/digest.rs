//! What names a model's file, whatever it is called.

use crate::hexadecimal::hexadecimal;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;

/// The size of a file in bytes, and its SHA-256 in hexadecimal. Blocks.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let size = io::copy(&mut File::open(path)?, &mut digest)?;
    Ok((size, hexadecimal(&digest.finalize())))
}
