//! Archives: whatever the bytes are, unpacking ends, within its limits and its folder.
#![no_main]

#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/component/artifact/unpack/mod.rs"]
mod unpack;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::LazyLock;
use unpack::{Format, UnpackLimits};
use zip::write::SimpleFileOptions;

const LIMITS: UnpackLimits =
    UnpackLimits { entries: 20, bytes: 1 << 20, ratio: 50, free_of_ratio: 4096 };

const ENTRIES: [(&str, &[u8]); 3] = [("a", b"some text"), ("b/c", b""), ("b/d", &[b'x'; 600])];

static ZIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in ENTRIES {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
});

static TAR: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_pax_extensions([("path", b"b/e".as_slice())]).unwrap();
    for (name, content) in ENTRIES {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content).unwrap();
    }
    archive.into_inner().unwrap()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Tar, Format::Zip] {
        check(format, bytes);
    }
    // Good archives with some bytes changed reach further.
    check(Format::Zip, &changed(&ZIP, bytes));
    check(Format::Tar, &sealed(changed(&TAR, bytes)));
});

/// Two bytes say where to put the third.
fn changed(archive: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % archive.len();
        archive[at] = change[2];
    }
    archive
}

/// With the sums that the headers of TAR must have.
fn sealed(mut archive: Vec<u8>) -> Vec<u8> {
    for block in archive.chunks_exact_mut(512).filter(|block| block[0] != 0) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    archive
}

fn check(format: Format, archive: &[u8]) {
    // In memory where that can be had: a disk would be most of the time.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let open = || Ok(Cursor::new(archive));
    let _ = unpack::spread(format, open, archive.len() as u64, &inner, &LIMITS);
    let (mut entries, mut bytes) = (0, 0);
    walk(&inner, &mut entries, &mut bytes);
    assert!(entries <= LIMITS.entries && bytes <= LIMITS.bytes, "{entries} {bytes}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn walk(folder: &Path, entries: &mut u64, bytes: &mut u64) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        *entries += 1;
        if metadata.is_dir() {
            walk(&entry.path(), entries, bytes);
        } else {
            assert!(metadata.is_file());
            *bytes += metadata.len();
        }
    }
}
