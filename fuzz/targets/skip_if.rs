//! The condition under which a step is skipped: reading it ends, and names no more than it shows.
#![no_main]

#[path = "../../host/src/runtime/process/skipif.rs"]
#[allow(dead_code, reason = "whether it holds depends on the machine")]
mod skipif;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = text.parse::<skipif::SkipIf>() {
        assert!(error.to_string().len() < 4096);
    }
});
