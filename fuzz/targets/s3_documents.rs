//! Lists that clients of S3 send: reading one ends, and gives no more than there can be.
#![no_main]

#[path = "../../cloud/src/services/s3/documents.rs"]
mod documents;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(parts) = documents::parts(input) {
        assert!(parts.len() <= 10_000 && parts.len() <= input.len());
    }
    if let Ok(deletion) = documents::deletion(input) {
        assert!((1..=1000).contains(&deletion.keys.len()));
        let letters: usize = deletion.keys.iter().map(String::len).sum();
        assert!(letters <= input.len());
        let _ = (deletion.quiet, deletion.has_versions);
    }
});
