//! Checksums of uploads (S3 user guide, "Checking object integrity"): the uploader names an algorithm
//! and says what it comes to, in a header before the body or after it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// What headers with checksums begin with.
pub(super) const PREFIX: &str = "x-amz-checksum-";

/// An algorithm at work.
pub(super) enum Checksum {
    Crc32(crc32fast::Hasher),
    Table(&'static Table, u64),
    Ring(Box<ring::digest::Context>),
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checksum")
    }
}

impl Checksum {
    /// The algorithm of this header; `None` for one that is not known.
    pub(super) fn new(header: &str) -> Option<Self> {
        use ring::digest;
        Some(match header.strip_prefix(PREFIX)? {
            "crc32" => Self::Crc32(crc32fast::Hasher::new()),
            "crc32c" => Self::Table(&CRC32C, u32::MAX.into()),
            "crc64nvme" => Self::Table(&CRC64NVME, u64::MAX),
            "sha1" => Self::Ring(Box::new(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))),
            "sha256" => Self::Ring(Box::new(digest::Context::new(&digest::SHA256))),
            _ => return None,
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Table(table, state) => {
                *state = bytes.iter().fold(*state, |state, byte| {
                    let index = (state ^ u64::from(*byte)) & 0xff;
                    state >> 8 ^ table.0[index as usize]
                });
            }
            Self::Ring(context) => context.update(bytes),
        }
    }

    /// As headers have it: base64.
    pub(super) fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => STANDARD.encode(hasher.finalize().to_be_bytes()),
            Self::Table(table, state) if std::ptr::eq(table, &CRC32C) => {
                STANDARD.encode(((state ^ u64::from(u32::MAX)) as u32).to_be_bytes())
            }
            Self::Table(_, state) => STANDARD.encode((!state).to_be_bytes()),
            Self::Ring(context) => STANDARD.encode(context.finish()),
        }
    }
}

/// The remainders of all bytes.
#[derive(Debug)]
pub(super) struct Table([u64; 256]);

static CRC32C: Table = table(0x82f6_3b78);
static CRC64NVME: Table = table(0x9a6c_9329_ac4b_c9b5);

const fn table(polynomial: u64) -> Table {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut value, mut bit) = (byte as u64, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    Table(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values that algorithms are published with: of `123456789`.
    #[test]
    fn checksums_are_those_of_their_algorithms() {
        for (name, wanted) in [
            ("crc32", "y/Q5Jg=="),
            ("crc32c", "4waSgw=="),
            ("crc64nvme", "rosUhgp5mIg="),
            ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let mut checksum = Checksum::new(&format!("{PREFIX}{name}")).unwrap();
            checksum.update(b"1234");
            checksum.update(b"56789");
            assert_eq!(checksum.finish(), wanted, "{name}");
        }
        assert!(Checksum::new("x-amz-checksum-md4").is_none());
        assert!(Checksum::new("content-md5").is_none());
    }
}
