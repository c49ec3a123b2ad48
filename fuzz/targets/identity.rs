//! What the cloud answers to a device that wants an identity, and what stands in certificates.
#![no_main]

#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/cloud"]
mod cloud {
    pub mod claim {
        mod answer;

        use answer::{Created, Registered, Rejection};

        pub fn read(bytes: &[u8]) {
            for wants_key in [false, true] {
                if let Ok(created) = Created::read(bytes, wants_key) {
                    assert_eq!(created.key.is_some(), wants_key);
                }
            }
            let _ = Registered::read(bytes);
            let said = Rejection::read(bytes).to_string();
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
    }
    mod validity;

    pub fn look(bytes: &[u8]) {
        if let Some(found) = validity::Validity::of(bytes) {
            assert!(!found.subject.chars().any(char::is_control), "{found:?}");
        }
    }
}
mod logs {
    pub use crate::text::presentable;
}
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/logs/text.rs"]
mod text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cloud::claim::read(bytes);
    cloud::look(bytes);
});
