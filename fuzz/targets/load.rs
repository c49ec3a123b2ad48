//! The loader's own parsing of wasm files: any bytes give an answer or an error.
#![no_main]

#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/runtime/wasm/load.rs"]
mod load;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // A file that begins as it should reaches further.
    let mut begun = b"\0asm\x01\0\0\0".to_vec();
    begun.extend_from_slice(bytes);
    for bytes in [bytes, &begun] {
        if load::classify(bytes).is_ok() {
            let _ = load::componentize(bytes).map(std::borrow::Cow::into_owned);
        }
    }
});
