//! A component that means harm, against the running program: what it sends costs nobody else anything,
//! and nothing of it is left.

use super::raw::{
    Header, JSON, PING, Raw, connect, frame, head, message, request, sealed, token, token_holder,
};
use super::{access, is_root, native_device};
use crate::device::Device;
use crate::host::{DEADLINE, Host};
use serde_json::json;
use std::time::Instant;

const EVIL: &str = "com.example.Evil";
const GOOD: &str = "com.example.Good";

/// Connections at one time that nobody finishes.
const HALF_OPEN: usize = 1000;

/// Bytes that the program may have grown by, after what it was sent.
const GROWTH: u64 = 16 << 20;

/// A device with a component that means harm and one that does not.
struct Scene {
    device: Device,
    nucleus: Host,
    evil: String,
    good: String,
}

impl Scene {
    fn new() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let device = native_device();
        let mut nucleus = device.start();
        token_holder(&device, EVIL, "{}");
        let rights = access("[t]", "[t]");
        token_holder(&device, GOOD, &rights.replacen('{', "{secret: pssst, ", 1));
        device.deploy(["--merge", &format!("{EVIL}=1.0.0,{GOOD}=1.0.0")]).expect_code(0);
        let evil = token(&device, &mut nucleus, EVIL);
        let good = token(&device, &mut nucleus, GOOD);
        Some(Self { device, nucleus, evil, good })
    }

    /// What is sent to a connection of the component that means harm is its end.
    #[track_caller]
    fn ends_it(&self, bytes: &[u8]) {
        let mut evil = Raw::new(&self.device, &self.evil);
        evil.send(bytes);
        // There may be a last word, and nothing after it.
        while evil.read().is_some() {}
    }

    /// The other component is served, as if nothing were.
    fn good_is_served(&self) {
        let mut good = Raw::new(&self.device, &self.good);
        let stream = good.ask("SubscribeToTopic", &JSON, r#"{"topic": "t"}"#);
        assert_eq!(good.read().unwrap().model(), "SubscribeToTopicResponse");
        let message = r#"{"topic": "t", "publishMessage": {"binaryMessage": {"message": "aGk="}}}"#;
        let publish = good.ask("PublishToTopic", &JSON, message);
        let mut streams = [good.read().unwrap().stream(), good.read().unwrap().stream()];
        streams.sort_unstable();
        assert_eq!(streams, [stream, publish]);
    }

    /// Serve on until the program has no more files open than so many.
    fn until_files_are(&self, most: usize) {
        let begin = Instant::now();
        while self.nucleus.open_files() > most {
            assert!(begin.elapsed() < DEADLINE, "{} files are open", self.nucleus.open_files());
            self.good_is_served();
        }
    }
}

/// Frames that are none, and messages that break the protocol. Each ends its connection.
fn fatal() -> Vec<Vec<u8>> {
    let ping = message(PING, 0, 0, "ping");
    let broken = |at: usize| {
        let mut bytes = ping.clone();
        bytes[at] ^= 1;
        bytes
    };
    let names: Vec<String> = (0..2000).map(|number| format!("h{number}")).collect();
    let bomb: Vec<_> = names.iter().map(|name| (name.as_str(), Header::Int32(0))).collect();
    let nameless = frame(&head(0, 0, 1), b"{}");
    let mut headers = head(PING, 0, 0);
    headers.push((":message-type", Header::Text("not a number")));
    vec![
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        vec![0; 4096],
        vec![0xff; 4096],
        (0..=255).cycle().take(100_000).collect(),
        // Either checksum.
        broken(9),
        broken(ping.len() - 1),
        // Lengths that lie: more headers than frame, less than a frame, more than anybody may send.
        sealed(64, 63, &[0; 48]),
        sealed(64, usize::from(u16::MAX) << 8, &[0; 48]),
        sealed(12, 0, &[]),
        sealed(0, 0, &[]),
        sealed(u32::MAX as usize, 0, &[]),
        sealed(u32::MAX as usize, u32::MAX as usize - 16, &[]),
        // Headers: a name that goes on after the end, a type that is none, and very many.
        sealed(20, 4, &[200, b'a', 4, 0]),
        sealed(19, 3, &[1, b'a', 99]),
        frame(&bomb, b""),
        // Messages that are none.
        frame(&[], b""),
        frame(&headers[1..], b""),
        message(99, 0, 0, ""),
        message(-1, 0, 0, ""),
        message(0, 0, 0, "{}"),
        message(PING, 0, 1, ""),
        nameless,
        request(2, "PublishToTopic", &JSON, "{}"),
        request(-1, "PublishToTopic", &JSON, "{}"),
        request(i32::MAX, "PublishToTopic", &JSON, "{}"),
        connect("again"),
    ]
}

#[test]
fn nothing_that_is_sent_harms_others_or_leaves_anything_behind() {
    let Some(scene) = Scene::new() else { return };
    let attack = || {
        for bytes in fatal() {
            scene.ends_it(&bytes);
        }
        // A frame that is cut short, by one who goes.
        for length in [1, 11, 12, 40] {
            let bytes = request(1, "PublishToTopic", &JSON, &"x".repeat(100));
            Raw::new(&scene.device, &scene.evil).send(&bytes[..length]);
        }
        // What is not understood is answered, and the connection lives.
        let mut evil = Raw::new(&scene.device, &scene.evil);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (operation, payload) in [
            ("Nonsense", "{}"),
            ("", "{}"),
            ("PublishToTopic", ""),
            ("PublishToTopic", "[]"),
            ("PublishToTopic", "\u{0}\u{ffff}"),
            ("PublishToTopic", &deep),
            ("SubscribeToTopic", r#"{"topic": 7}"#),
            ("GetConfiguration", r#"{"keyPath": {}}"#),
            ("UpdateConfiguration", r#"{"timestamp": 1e400, "valueToMerge": {}}"#),
        ] {
            let (code, _) = evil.call(operation, &JSON, payload).error();
            assert!(["InvalidArgumentsError", "ServiceError"].contains(&code.as_str()), "{code}");
        }
        scene.good_is_served();
    };
    // Once, so that everything is there that stays.
    let files = scene.nucleus.open_files();
    attack();
    scene.until_files_are(files);
    let memory = scene.nucleus.memory();
    for _ in 0..5 {
        attack();
    }
    scene.until_files_are(files);
    let grown = scene.nucleus.memory().saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} bytes more than before");
}

#[test]
fn connections_that_nobody_finishes_keep_nobody_out() {
    let Some(scene) = Scene::new() else { return };
    scene.good_is_served();
    let (files, memory) = (scene.nucleus.open_files(), scene.nucleus.memory());
    let hello = connect(&scene.evil);
    let mut half_open = Vec::new();
    for number in 0..HALF_OPEN {
        let mut one = Raw::stranger(&scene.device);
        // Some say a part of it, a byte at a time, and some nothing.
        for byte in &hello[..number % hello.len()] {
            one.send(&[*byte]);
        }
        half_open.push(one);
    }
    scene.good_is_served();
    assert!(half_open.last().unwrap().is_open(), "it had to wait until all were sent away");
    // Of those who were let in and go on as slowly, nobody else knows either.
    for one in &mut half_open[..10] {
        let mut slow = Raw::new(&scene.device, &scene.evil);
        slow.send(&request(1, "PublishToTopic", &JSON, "{}")[..20]);
        *one = slow;
    }
    scene.good_is_served();
    let grown = scene.nucleus.memory().saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} bytes more than before");
    drop(half_open);
    scene.until_files_are(files);
}

#[test]
fn a_token_counts_for_its_component_alone_and_while_it_runs() {
    let Some(scene) = Scene::new() else { return };
    let Scene { device, good, evil, .. } = &scene;
    for wrong in ["", "nonsense", "AAAAAAAAAAAAAAAA", &good[1..], &format!("{good}A"), "\\u0000"] {
        let mut stranger = Raw::stranger(device);
        assert!(!stranger.show(wrong) && stranger.is_closed());
    }
    // Another's configuration is not read, watched or changed.
    let mut one = Raw::new(device, evil);
    let of_good = json!({"componentName": GOOD, "keyPath": ["secret"]}).to_string();
    for operation in ["GetConfiguration", "SubscribeToConfigurationUpdate"] {
        let (code, words) = one.call(operation, &JSON, &of_good).error();
        assert_eq!(code, "UnauthorizedError");
        assert!(!words.contains("pssst"), "{words}");
    }
    let update = json!({"componentName": GOOD, "keyPath": [], "timestamp": 2e9,
        "valueToMerge": {"secret": "mine"}});
    let answer = one.call("UpdateConfiguration", &JSON, &update.to_string());
    assert_eq!(answer.model(), "UpdateConfigurationResponse", "there is no such member: its own");
    let mut theirs = Raw::new(device, good);
    let kept = theirs.call("GetConfiguration", &JSON, &of_good).json();
    assert_eq!(kept["value"], json!({"secret": "pssst"}));
    // Who has stolen a token loses it when its component stops.
    device.ask("component", ["stop", GOOD]).expect_code(0);
    assert!(theirs.is_closed(), "who came in by it goes");
    let mut late = Raw::stranger(device);
    assert!(!late.show(good) && late.is_closed());
    device.ask("component", ["restart", GOOD]).expect_code(0);
    assert!(!Raw::stranger(device).show(good), "it has another one now");
    assert_eq!(one.call("GetConfiguration", &JSON, "{}").model(), "GetConfigurationResponse");
}
