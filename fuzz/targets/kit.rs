//! Kits: whatever the bytes are, reading one ends, and gives files of known names that are not large.
#![no_main]

#[path = "../../host/src/cli/provision/kit.rs"]
mod kit;

use kit::{CERTIFICATE, CONFIGURATION, Kit, LARGEST, PRIVATE_KEY, ROOTS};
use std::sync::LazyLock;

static TAR: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = tar::Builder::new(Vec::new());
    for name in [CONFIGURATION, CERTIFICATE, PRIVATE_KEY, ROOTS] {
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        archive.append_data(&mut header, name, b"text".as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // A good archive with some bytes changed reaches further.
    let mut changed = TAR.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        changed[at] = change[2];
    }
    // With the sums that headers must have.
    for block in changed.chunks_exact_mut(512).filter(|block| block[0] != 0) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    check(&changed);
});

fn check(bytes: &[u8]) {
    let Ok(mut kit) = Kit::read(bytes) else { return };
    assert!(kit.take(CONFIGURATION).len() as u64 <= LARGEST);
    assert!(kit.into_files().all(|(name, _)| name.ends_with(".pem") || name.contains(".pem.")));
}
