use super::*;
use crate::clock::Clock;
use crate::network::testing::{Reply, Server, certificate_pem, ok, status};
use futures_util::future::join_all;
use gg_model::{IdentityFiles, TokenExchangeSettings};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;
use tempfile::TempDir;

/// When the tests begin, in seconds since the Unix epoch.
const START: u64 = 1_800_000_000;

/// A cloud that answers as it is told, and a clock that stands still.
struct Scene {
    credentials: Credentials,
    server: Server,
    answer: Arc<Mutex<Vec<u8>>>,
    now: Arc<AtomicU64>,
    settings: watch::Sender<Arc<NucleusSettings>>,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let tasks = Tasks::new(NonZeroUsize::new(1)).unwrap();
        let answer = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&answer);
        let server =
            Server::start_tls(&tasks, move |_, _| Reply::Send(told.lock().unwrap().clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, certificate_pem()).unwrap();
        let root_ca = Some(roots.to_str().unwrap().to_owned());
        let source = Source {
            endpoint: format!("localhost:{}", server.port),
            role_alias: "alias".to_owned(),
            thing: "thing".parse().unwrap(),
            identity: Identity::new(&IdentityFiles { root_ca, ..IdentityFiles::default() }, 0),
            proxies: ProxySettings::default(),
            patience: None,
        };
        let now = Arc::new(AtomicU64::new(START));
        let at = Arc::clone(&now);
        let clock = Clock::from_fn(move || seconds(at.load(Ordering::Relaxed)));
        let (settings, told) = watch::channel(Arc::default());
        let stop = CancellationToken::new();
        let clock = CloudClock::new(clock);
        let credentials = Credentials::new(source, told, clock, tasks, stop);
        Self { credentials, server, answer, now, settings, _folder: folder }
    }

    /// Answer so from now on.
    fn answer(&self, bytes: Vec<u8>) {
        *self.answer.lock().unwrap() = bytes;
    }

    /// Give credentials from now on that expire so many seconds after the start.
    fn give(&self, key: &str, expire: u64) {
        let expiration = humantime::format_rfc3339(seconds(START + expire));
        let body = format!(
            r#"{{"credentials": {{"accessKeyId": "{key}", "secretAccessKey": "hunter2",
                "sessionToken": "token", "expiration": "{expiration}"}}}}"#
        );
        self.answer(ok("tag", body.as_bytes()));
    }

    /// So many seconds after the start.
    fn at(&self, time: u64) {
        self.now.store(START + time, Ordering::Relaxed);
    }

    /// The key that is given, or the status of the refusal.
    async fn get(&self) -> Result<String, u16> {
        let answer = self.credentials.get().await;
        answer.map(|given| given.access_key.clone()).map_err(|refusal| refusal.status)
    }

    /// Wait until what is renewed meanwhile is there.
    async fn renewed(&self) {
        drop(self.credentials.0.turn.lock().await);
    }

    fn asked(&self) -> usize {
        self.server.requests().len()
    }
}

fn seconds(since: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(since)
}

#[tokio::test]
async fn they_are_asked_for_once_and_renewed_before_they_expire() {
    let scene = Scene::new().await;
    scene.give("first", 3600);
    let given = join_all((0..20).map(|_| scene.get())).await;
    assert!(given.iter().all(|given| *given == Ok("first".to_owned())), "{given:?}");
    let [asked] = &scene.server.requests()[..] else { panic!("asked more than once") };
    assert_eq!(asked.line(), "GET /role-aliases/alias/credentials HTTP/1.1");
    assert_eq!(asked.header("x-amzn-iot-thingname"), Some("thing"));

    scene.give("second", 7200);
    scene.at(3299);
    assert_eq!(scene.get().await.unwrap(), "first");
    assert_eq!(scene.asked(), 1);
    // Those that soon expire will do, and nobody waits.
    scene.at(3300);
    assert_eq!(scene.get().await.unwrap(), "first");
    scene.renewed().await;
    assert_eq!(scene.get().await.unwrap(), "second");
    assert_eq!(scene.asked(), 2);
    // Those that have expired will not.
    scene.give("third", 9000);
    scene.at(7200);
    assert_eq!(scene.get().await.unwrap(), "third");
}

#[tokio::test]
async fn a_refusal_takes_nothing_back_that_holds() {
    let scene = Scene::new().await;
    scene.give("first", 200);
    assert_eq!(scene.get().await.unwrap(), "first");
    scene.answer(status(403, ""));
    for _ in 0..3 {
        assert_eq!(scene.get().await.unwrap(), "first");
        scene.renewed().await;
    }
    assert_eq!(scene.asked(), 2, "the refusal counts for a while");
    scene.at(199);
    assert_eq!(scene.get().await.unwrap(), "first");
    scene.renewed().await;
    scene.at(200);
    assert_eq!(scene.get().await, Err(403));
    assert_eq!(scene.asked(), 3);
    // The device is another to the cloud.
    scene.give("second", 9000);
    scene.credentials.forget_refusal();
    assert_eq!(scene.get().await.unwrap(), "second");
}

#[tokio::test]
async fn a_refusal_counts_for_as_long_as_its_kind_does() {
    let told = TokenExchangeSettings {
        client_error: Some(11),
        server_error: Some(12),
        unknown_error: Some(13),
        ..TokenExchangeSettings::default()
    };
    for (refused, usual, told_so) in [(403, 120, 11), (503, 60, 12), (302, 300, 13)] {
        let scene = Scene::new().await;
        scene.answer(status(refused, ""));
        let mut time = 0;
        for (asked, counts) in [(1, usual), (2, told_so), (3, told_so)] {
            scene.at(time);
            assert_eq!(scene.get().await, Err(refused));
            assert_eq!(scene.asked(), asked);
            time += counts;
            scene.at(time - 1);
            assert_eq!(scene.get().await, Err(refused));
            assert_eq!(scene.asked(), asked, "{refused} counts for {counts} seconds");
            // It counts from the next answer on.
            let token_exchange = told.clone();
            let settings = NucleusSettings { token_exchange, ..NucleusSettings::default() };
            scene.settings.send_replace(Arc::new(settings));
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_fault_of_the_server_and_may_be_asked_again_at_once() {
    let scene = Scene::new().await;
    let long = vec![b' '; LARGEST + 1];
    for (asked, answer) in [
        Vec::new(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(),
        b"\x16\x03\x01 no HTTP at all".to_vec(),
        ok("tag", b""),
        ok("tag", b"[]"),
        ok("tag", br#"{"credentials": {}}"#),
        ok("tag", &long),
    ]
    .into_iter()
    .enumerate()
    {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
        scene.answer(answer);
        assert_eq!(scene.get().await, Err(500), "{shown}");
        assert_eq!(scene.asked(), asked + 1, "{shown}");
    }
    // They have expired, by the clock here.
    scene.give("first", 0);
    let refusal = scene.credentials.get().await.unwrap_err();
    assert_eq!((refusal.status, refusal.answered), (500, false));
    assert!(refusal.reason.contains("is the clock of this device right?"), "{}", refusal.reason);
    scene.give("second", 9000);
    assert_eq!(scene.get().await.unwrap(), "second");
}

#[tokio::test]
async fn whom_the_device_does_not_trust_it_does_not_ask() {
    let scene = Scene::new().await;
    scene.give("first", 3600);
    let source = Source {
        identity: Identity::new(&IdentityFiles::default(), 0),
        ..scene.credentials.0.source.clone()
    };
    let Inner { settings, clock, tasks, stop, .. } = &*scene.credentials.0;
    let credentials =
        Credentials::new(source, settings.clone(), clock.clone(), tasks.clone(), stop.clone());
    let refusal = credentials.get().await.unwrap_err();
    assert_eq!((refusal.status, refusal.answered), (500, false), "{}", refusal.reason);
    assert_eq!(scene.asked(), 0);
}
