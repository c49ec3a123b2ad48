use super::imports::{Service, refusals, service_of};
use super::load::{Digest, Kind, LoadError, classify, componentize};
use super::meter::Share;
use std::time::{Duration, Instant};

/// The smallest core module: nothing in it.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The smallest component.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn files_are_told_apart() {
    assert_eq!(classify(EMPTY_MODULE).unwrap(), Kind::Reactor);
    assert_eq!(classify(EMPTY_COMPONENT).unwrap(), Kind::Component);
    assert!(matches!(classify(b""), Err(LoadError::Empty)));
    assert!(matches!(classify(b"\x7fELF\x02\x01"), Err(LoadError::Precompiled)));
    let error = classify(b"(component)").unwrap_err().to_string();
    assert!(error.contains("text format"), "{error}");
    let error = classify(b"\0asm\x01\0\0").unwrap_err().to_string();
    assert!(error.contains("of 7"), "{error}");
}

#[test]
fn bytes_of_any_kind_are_an_answer_or_an_error() {
    // A generator of its own: the same bytes at every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2_000 {
        let mut bytes = if next() % 2 == 0 { EMPTY_MODULE } else { EMPTY_COMPONENT }.to_vec();
        let length = next() % 64;
        bytes.extend((0..length).map(|_| next().to_le_bytes()[0]));
        if classify(&bytes).is_ok() {
            let _done = componentize(&bytes).is_ok();
        }
    }
}

#[test]
fn a_digest_is_written_in_hexadecimal() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::of(b"").to_string(), empty);
}

#[test]
fn imports_are_served_or_refused_with_a_reason() {
    for served in [
        "wasi:cli/environment@0.2.0",
        "wasi:io/streams@0.2.12",
        "wasi:http/outgoing-handler@0.2.4",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:keyvalue/store@0.2.0-draft2",
        "wasi:config/store@0.2.0-rc.1",
        "wasi:logging/logging@0.1.0-draft",
        "wasi:nn/graph@0.2.0-rc-2024-10-28",
        "gg:host/pubsub@0.1.0",
        "gg:host/inference@0.1.0",
    ] {
        assert_eq!(service_of(served), Service::Served, "{served}");
    }
    let refused = [
        ("wasi:nn/graph@0.2.0-rc-2024-06-25", "0.2.0-rc-2024-10-28"),
        ("gg:host/nothing@0.1.0", "no interface of gg:host"),
        ("gg:host/pubsub@0.2.0", "serves version 0.1.0"),
        ("wasi:http/handler@0.3.0", "WASI 0.2"),
        ("wasi:keyvalue/store@0.2.0", "0.2.0-draft"),
        ("some:thing/else@1.0.0", "nothing on this host serves"),
        ("function", "no interface"),
    ];
    for (import, words) in refused {
        let Service::Refused(reason) = service_of(import) else { panic!("{import} is served") };
        assert!(reason.contains(words), "{import}: {reason}");
    }
}

#[test]
fn all_refusals_are_told_at_once() {
    let imports =
        ["a:b/c@1.0.0", "wasi:cli/exit@0.2.0", "gg:host/nothing@0.1.0"].map(str::to_owned);
    let text = refusals(&imports).unwrap();
    assert!(
        text.contains("a:b/c") && text.contains("gg:host/nothing") && !text.contains("exit"),
        "{text}"
    );
    assert_eq!(refusals(&imports[1..2]), None);
}

#[test]
fn a_guest_over_its_share_pauses_and_one_within_it_does_not() {
    let begin = Instant::now();
    let after = |millis: u64| begin + Duration::from_millis(millis);
    let mut half = Share::new(0.5, begin);
    // It runs all the time: after the credit is used up, it pauses as long as it ran.
    assert_eq!(half.pause(Duration::from_millis(100), after(100)), None);
    let pause = half.pause(Duration::from_millis(300), after(300)).unwrap();
    assert_eq!(pause.as_millis(), 100);
    // The pause has paid for it.
    assert_eq!(half.pause(Duration::from_millis(300), after(400)), None);

    let mut whole = Share::new(1.0, begin);
    for tick in 1..100 {
        assert_eq!(whole.pause(Duration::from_millis(tick * 10), after(tick * 10)), None);
    }
}

#[test]
fn rest_is_not_saved_up_for_ever() {
    let begin = Instant::now();
    let mut share = Share::new(0.1, begin);
    let later = begin + Duration::from_secs(3600);
    assert_eq!(share.pause(Duration::ZERO, later), None);
    assert!(share.pause(Duration::from_secs(1), later + Duration::from_secs(1)).is_some());
}
