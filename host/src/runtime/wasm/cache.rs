//! Compiled code on disk, so that a component is compiled once.
//!
//! An entry is used only when nobody else could have written it and it is what was written: the
//! folder and file belong to this user and no one else may write them, and a second file seals
//! the length and SHA-256 of the code together with the component and the engine it was made
//! for. Anything else is compiled again. Code is machine code: to run a forged entry would be to
//! leave the sandbox.

use super::load::{Digest, hash};
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Where compiled components are kept.
#[derive(Debug)]
pub(super) struct CompileCache {
    folder: PathBuf,
    /// What the engine's version and settings come to.
    engine_key: u64,
}

impl CompileCache {
    /// Use a folder, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made, or others may write to it.
    pub(super) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        check_owner(&fs::symlink_metadata(folder)?, 0o077)?;
        let mut hasher = StableHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), engine_key: hasher.finish() })
    }

    /// The component of this digest, if a good entry is there.
    pub(super) fn load(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let path = self.path(digest, "cwasm");
        match self.try_load(engine, digest, &path) {
            Ok(component) => Some(component),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                warn!(path = %path.display(), %error, "compiled code in the cache is not trusted; compiling again");
                None
            }
        }
    }

    fn try_load(&self, engine: &Engine, digest: Digest, path: &Path) -> io::Result<Component> {
        let seal = fs::read(self.path(digest, "seal"))?;
        let mut file = OpenOptions::new().read(true).custom_flags(libc_nofollow()).open(path)?;
        let metadata = file.metadata()?;
        check_owner(&metadata, 0o022)?;
        if seal != self.seal(digest, metadata.len(), &mut file)? {
            return Err(io::Error::other("it is not what was written"));
        }
        #[expect(unsafe_code, reason = "the code is ours: see the checks above")]
        // SAFETY: the file was written by this user for this engine, is sealed by a digest that
        // was just checked, and is replaced only by a rename, never changed in place.
        let component = unsafe { Component::deserialize_file(engine, path) };
        component.map_err(io::Error::other)
    }

    /// Keep a compiled component. A failure costs the next start its time and nothing else.
    pub(super) fn store(&self, digest: Digest, component: &Component) {
        let stored = component.serialize().map_err(io::Error::other).and_then(|code| {
            // The seal comes last: an entry without one is not used.
            let seal = self.seal(digest, code.len() as u64, &mut code.as_slice())?;
            fs::remove_file(self.path(digest, "seal")).or_else(not_found_is_fine)?;
            self.write(&self.path(digest, "cwasm"), &code)?;
            self.write(&self.path(digest, "seal"), &seal)
        });
        match stored {
            Ok(()) => debug!(%digest, "compiled code stored in the cache"),
            Err(error) => {
                warn!(%error, folder = %self.folder.display(), "compiled code could not be stored");
            }
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        static UNIQUE: AtomicU64 = AtomicU64::new(0);
        let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
        let new = self.folder.join(format!(".new-{}-{unique}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = file.write_all(bytes).and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            fs::remove_file(&new).or_else(not_found_is_fine)?;
        }
        written
    }

    fn path(&self, digest: Digest, extension: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.{extension}", self.engine_key))
    }

    fn seal(&self, digest: Digest, length: u64, code: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut seal = Sha256::new();
        seal.update(b"gg-host compiled component 1\0");
        seal.update(digest.bytes());
        seal.update(self.engine_key.to_le_bytes());
        seal.update(length.to_le_bytes());
        hash(code, &mut seal)?;
        Ok(seal.finalize().to_vec())
    }
}

fn not_found_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn check_owner(metadata: &fs::Metadata, forbidden: u32) -> io::Result<()> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(io::Error::other("others may use it; its mode must be 0700"));
    }
    Ok(())
}

/// `O_NOFOLLOW`: a link in the cache is not ours.
fn libc_nofollow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

/// A hash that is the same in every process.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |key, byte| (key << 8) | u64::from(*byte))
    }
}
