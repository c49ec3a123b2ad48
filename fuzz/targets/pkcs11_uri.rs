//! URIs of PKCS#11: what is read can be written and read again, and no PIN is shown.
#![no_main]

use gg_model::nucleus::Pkcs11Uri;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(mut uri) = text.parse::<Pkcs11Uri>() {
        let written = uri.to_string();
        (uri.pin, uri.pin_file, uri.library) = (None, None, None);
        // Where every byte takes three.
        if written.len() <= 4096 {
            assert_eq!(written.parse(), Ok(uri));
        }
    }
});
