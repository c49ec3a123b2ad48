//! A kit: the archive in which a control plane hands out a device (`gg-cloud thing add`). Plain files of
//! known names at its top, and nothing else.
//!
//! This module uses no other of the host, so that it can be fuzzed by itself.

use flate2::bufread::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::{self, Read};
use tar::{Archive, EntryType};
use thiserror::Error;

/// The configuration in a kit.
pub(super) const CONFIGURATION: &str = "config.yaml";

/// The device's certificate in a kit.
pub(super) const CERTIFICATE: &str = "device.pem.crt";

/// Its private key.
pub(super) const PRIVATE_KEY: &str = "private.pem.key";

/// Whom it trusts.
pub(super) const ROOTS: &str = "AmazonRootCA1.pem";

/// What a kit may hold: that, and the public key that AWS adds.
const NAMES: [&str; 5] = [CONFIGURATION, CERTIFICATE, PRIVATE_KEY, ROOTS, "public.pem.key"];

/// Most bytes of an archive, packed and unpacked.
pub(super) const LARGEST: u64 = 1 << 20;

/// Most entries.
const MOST_ENTRIES: usize = 32;

/// Longest beginning of a name that is shown.
const LONGEST_SHOWN: usize = 100;

/// Why an archive is no kit.
#[derive(Debug, Error)]
pub(super) enum KitError {
    /// It cannot be read.
    #[error("it is no tar archive, plain or packed by gzip: {0}")]
    Io(#[from] io::Error),
    /// It is too long.
    #[error("it is no kit: it comes to more than {} MiB", LARGEST >> 20)]
    TooLong,
    /// It holds too many things.
    #[error("it is no kit: it holds more than {MOST_ENTRIES} things")]
    Entries,
    /// It holds something that is not part of a kit.
    #[error("it is no kit: it holds {0:?}")]
    Unknown(String),
    /// It holds something twice.
    #[error("it is no kit: it holds {0} twice")]
    Twice(&'static str),
    /// Something is missing.
    #[error("it is no kit: it holds no {0}")]
    Missing(&'static str),
}

/// What is in a kit, by name.
pub(super) struct Kit(BTreeMap<&'static str, Vec<u8>>);

impl Kit {
    /// Read an archive.
    ///
    /// # Errors
    /// It is no kit.
    pub(super) fn read(archive: impl Read) -> Result<Self, KitError> {
        let mut bytes = all(archive)?;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            bytes = all(MultiGzDecoder::new(bytes.as_slice()))?;
        }
        let mut found = BTreeMap::new();
        for (number, entry) in Archive::new(bytes.as_slice()).entries()?.raw(true).enumerate() {
            let mut entry = entry?;
            if number >= MOST_ENTRIES {
                return Err(KitError::Entries);
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let plain = name.strip_prefix("./").unwrap_or(&name);
            match entry.header().entry_type() {
                EntryType::Regular => {}
                // What tar says of the folder that was packed, and of times and owners.
                EntryType::Directory if matches!(plain, "" | "." | "./") => continue,
                EntryType::XHeader | EntryType::XGlobalHeader => continue,
                _ => return Err(unknown(&name)),
            }
            let known = NAMES.iter().find(|known| **known == plain);
            let known = *known.ok_or_else(|| unknown(&name))?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            if found.insert(known, content).is_some() {
                return Err(KitError::Twice(known));
            }
        }
        for needed in [CONFIGURATION, CERTIFICATE, PRIVATE_KEY, ROOTS] {
            if !found.contains_key(needed) {
                return Err(KitError::Missing(needed));
            }
        }
        Ok(Self(found))
    }

    /// Take a file out.
    pub(super) fn take(&mut self, name: &str) -> Vec<u8> {
        self.0.remove(name).unwrap_or_default()
    }

    /// What is left in it.
    pub(super) fn into_files(self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        self.0.into_iter()
    }
}

fn all(from: impl Read) -> Result<Vec<u8>, KitError> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(KitError::TooLong) } else { Ok(bytes) }
}

fn unknown(name: &str) -> KitError {
    KitError::Unknown(name.chars().take(LONGEST_SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    const GOOD: [(&str, &str); 4] =
        [(CONFIGURATION, "{}"), (CERTIFICATE, "c"), (PRIVATE_KEY, "k"), (ROOTS, "r")];

    fn entry(archive: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, content: &[u8]) {
        let mut header = Header::new_gnu();
        // As it is, whatever it is.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o777);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content).unwrap();
    }

    fn archive(more: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        for (name, content) in GOOD {
            entry(&mut archive, name, EntryType::Regular, content.as_bytes());
        }
        for (name, kind, content) in more {
            entry(&mut archive, name, *kind, content);
        }
        archive.into_inner().unwrap()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_kit_is_read_packed_or_not() {
        let plain = archive(&[
            ("./", EntryType::Directory, b""),
            ("./public.pem.key", EntryType::Regular, b"p"),
        ]);
        for bytes in [packed(&plain), plain] {
            let mut kit = Kit::read(bytes.as_slice()).unwrap();
            assert_eq!(kit.take(PRIVATE_KEY), b"k");
            let names: Vec<_> = kit.into_files().map(|(name, _)| name).collect();
            assert_eq!(names, [ROOTS, CONFIGURATION, CERTIFICATE, "public.pem.key"]);
        }
    }

    #[test]
    fn nothing_else_is_in_a_kit() {
        for (name, kind) in [
            ("../config.yaml", EntryType::Regular),
            ("/etc/passwd", EntryType::Regular),
            ("a/config.yaml", EntryType::Regular),
            ("././config.yaml", EntryType::Regular),
            ("secrets.yaml", EntryType::Regular),
            ("state", EntryType::Directory),
            ("public.pem.key", EntryType::Symlink),
            ("public.pem.key", EntryType::Link),
            ("public.pem.key", EntryType::Fifo),
            ("public.pem.key", EntryType::GNUSparse),
        ] {
            let bytes = archive(&[(name, kind, b"")]);
            let Err(error) = Kit::read(bytes.as_slice()) else { panic!("{name} is taken") };
            assert!(matches!(error, KitError::Unknown(_)), "{name}: {error}");
        }
        let twice = archive(&[(PRIVATE_KEY, EntryType::Regular, b"other")]);
        assert!(matches!(Kit::read(twice.as_slice()), Err(KitError::Twice(_))));
    }

    #[test]
    fn what_is_too_much_or_too_little_is_no_kit() {
        let large = vec![0; LARGEST as usize];
        let bomb = packed(&archive(&[("public.pem.key", EntryType::Regular, &large)]));
        assert!(bomb.len() < 10_000);
        assert!(matches!(Kit::read(bomb.as_slice()), Err(KitError::TooLong)));
        assert!(matches!(Kit::read(io::repeat(0)), Err(KitError::TooLong)));
        let many: Vec<(&str, EntryType, &[u8])> =
            (0..MOST_ENTRIES).map(|_| ("./", EntryType::Directory, &b""[..])).collect();
        assert!(matches!(Kit::read(archive(&many).as_slice()), Err(KitError::Entries)));
        let mut some = Builder::new(Vec::new());
        entry(&mut some, CONFIGURATION, EntryType::Regular, b"{}");
        let some = some.into_inner().unwrap();
        assert!(matches!(Kit::read(some.as_slice()), Err(KitError::Missing(CERTIFICATE))));
        for hostile in [&b""[..], b"\x1f\x8b", b"PK\x03\x04", &[0xff; 600], &packed(b"text")] {
            assert!(Kit::read(hostile).is_err());
        }
    }
}
