//! From the bytes of a file to a component: what they are, their digest, and the adapter that
//! turns a core module for WASI preview 1 into a component.

use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, Parser, Payload};

/// Largest file that is looked at.
pub const LARGEST: u64 = 256 << 20;

/// SHA-256 of a file.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of what a file holds from here on, a piece at a time.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_file(file: &mut impl Read) -> io::Result<Self> {
        let mut digest = Sha256::new();
        hash(file, &mut digest)?;
        Ok(Self(digest.finalize().into()))
    }

    /// The bare bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Add what a file holds from here on, without holding it in memory.
pub(super) fn hash(file: &mut impl Read, digest: &mut Sha256) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            count => digest.update(&piece[..count]),
        }
    }
}

/// What a wasm file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A component.
    Component,
    /// A core module with a `_start`, for WASI preview 1.
    Command,
    /// A core module without one.
    Reactor,
}

/// Why bytes are not a component.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The core module could not be turned into a component.
    #[error(
        "a core module that cannot be adapted to a component; it may import something other than \
         wasi_snapshot_preview1, or lack an export that its interface promises"
    )]
    Adapt(#[source] anyhow::Error),
    /// The file is empty.
    #[error("an empty file")]
    Empty,
    /// The bytes do not follow the format.
    #[error("damaged or cut off: {message} at byte {offset} of {length}")]
    Malformed {
        /// What is wrong.
        message: String,
        /// Where.
        offset: usize,
        /// How long the file is.
        length: usize,
    },
    /// Something else.
    #[error("not WebAssembly: {0}")]
    NotWasm(String),
    /// Compiled code, which is trusted only from the host's own cache.
    #[error("precompiled code, which is not trusted; give the .wasm it was made from")]
    Precompiled,
}

/// Find out what bytes are, looking at the outline alone.
///
/// # Errors
/// They are not WebAssembly, or not whole.
pub fn classify(bytes: &[u8]) -> Result<Kind, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(LoadError::Precompiled);
    }
    if !bytes.starts_with(b"\0asm") {
        let hint = match std::str::from_utf8(&bytes[..bytes.len().min(64)]) {
            Ok(text) if text.trim_start().starts_with('(') => {
                "the text format; turn it into a binary first (wasm-tools parse)"
            }
            Ok(_) => "a text file",
            Err(_) => "an unknown format",
        };
        return Err(LoadError::NotWasm(hint.to_owned()));
    }
    let malformed = |error: wasmparser::BinaryReaderError| LoadError::Malformed {
        message: error.message().to_owned(),
        offset: error.offset(),
        length: bytes.len(),
    };
    let mut kind = Kind::Reactor;
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Component, .. } if depth == 0 => {
                kind = Kind::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ExportSection(exports) if kind == Kind::Reactor && depth == 0 => {
                for export in exports {
                    if export.map_err(malformed)?.name == "_start" {
                        kind = Kind::Command;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(kind)
}

/// A component from the bytes of a component or of a core module for WASI preview 1.
///
/// # Errors
/// As [`classify`]; a core module that cannot be adapted.
pub fn componentize(bytes: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    let adapter = match classify(bytes)? {
        Kind::Component => return Ok(Cow::Borrowed(bytes)),
        Kind::Command => WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        Kind::Reactor => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    };
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(bytes)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map(Cow::Owned)
        .map_err(LoadError::Adapt)
}
