//! What core devices say of themselves: any bytes are a message within its limits, or an error.
#![no_main]

use gg_model::fleet_status::{MAX_STATUS_BYTES, MAX_STATUS_COMPONENTS, StatusMessage};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = StatusMessage::parse(bytes) else { return };
    assert!(bytes.len() <= MAX_STATUS_BYTES && message.components.len() <= MAX_STATUS_COMPONENTS);
    let text = serde_json::to_vec(&message).expect("a message can be written");
    // What was left out is written, so that it may no longer fit.
    if text.len() <= MAX_STATUS_BYTES {
        assert_eq!(StatusMessage::parse(&text), Ok(message));
    }
});
