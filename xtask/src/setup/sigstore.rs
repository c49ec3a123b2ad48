//! What people sign with, for the tests of signatures: cosign, as it is and as it was, and a registry
//! with a client. Debian's packages, unpacked into the cache.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::cache;
use super::debian::{self, Package};

/// Changes when other versions are wanted.
const FOLDER: &str = "sigstore-1";

/// The programs.
#[derive(Debug)]
pub struct Sigstore {
    /// cosign 3, which signs images by bundles that refer to them.
    pub cosign: PathBuf,
    /// cosign 2, whose signatures are everywhere.
    pub cosign_before: PathBuf,
    /// A client of registries.
    pub oras: PathBuf,
    /// A registry.
    pub registry: PathBuf,
}

/// Install them if they are missing.
pub fn install() -> Result<Sigstore> {
    let folder = cache::find_or_make(FOLDER, |folder| {
        let two = |version: &str| version.starts_with("2.");
        let three = |version: &str| version.starts_with("3.");
        let before = [
            Package { name: "cosign", accept: &two },
            Package { name: "docker-registry", accept: &two },
        ];
        let now = [
            Package { name: "cosign", accept: &three },
            Package { name: "oras", accept: &|_| true },
        ];
        debian::unpack(&before, debian::SUITES, &folder.join("before"))?;
        debian::unpack(&now, debian::SUITES, &folder.join("now"))
    })?;
    let program = |path: &str| {
        let program = folder.join(path);
        if !program.is_file() {
            bail!("{} is missing; remove {} and try again", program.display(), folder.display());
        }
        Ok(program)
    };
    Ok(Sigstore {
        cosign: program("now/usr/bin/cosign")?,
        cosign_before: program("before/usr/bin/cosign")?,
        oras: program("now/usr/bin/oras")?,
        registry: program("before/usr/bin/docker-registry")?,
    })
}
