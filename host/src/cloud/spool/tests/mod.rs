mod crash;
mod random;
mod room;
mod time;

use super::*;
use crate::cloud::publication::{PayloadFormat, Priority, Qos};
use crate::tasks::Tasks;
use gg_model::nucleus::{SpoolerSettings, SpoolerStorage, WhenSpoolerFull};
use proptest::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

/// A device with a folder, a clock and settings.
struct Device {
    folder: tempfile::TempDir,
    tasks: Tasks,
    settings: watch::Sender<Arc<NucleusSettings>>,
    /// Milliseconds since the epoch, and since the machine was started.
    wall: Arc<AtomicI64>,
    uptime: Arc<AtomicI64>,
    boot: &'static str,
}

/// 2026-01-01.
const NEW_YEAR: i64 = 1_767_225_600_000;

impl Device {
    fn new(spooler: SpoolerSettings) -> Self {
        let device = Self {
            folder: tempfile::tempdir().unwrap(),
            tasks: Tasks::new(None).unwrap(),
            settings: watch::Sender::default(),
            wall: Arc::new(NEW_YEAR.into()),
            uptime: Arc::new(5_000.into()),
            boot: "first",
        };
        device.set(spooler);
        device
    }

    fn set(&self, spooler: SpoolerSettings) {
        let mut settings = NucleusSettings::default();
        settings.mqtt.spooler = spooler;
        self.settings.send_replace(Arc::new(settings));
    }

    /// The time goes on.
    fn wait(&self, millis: i64) {
        self.wall.fetch_add(millis, Ordering::Relaxed);
        self.uptime.fetch_add(millis, Ordering::Relaxed);
    }

    fn clocks(&self) -> (Clock, Machine) {
        let since = |clock: &Arc<AtomicI64>| {
            let clock = Arc::clone(clock);
            move || Duration::from_millis(clock.load(Ordering::Relaxed).unsigned_abs())
        };
        let (wall, uptime) = (since(&self.wall), since(&self.uptime));
        let machine = Machine { uptime: Arc::new(uptime), boot: self.boot.into() };
        (Clock::from_fn(move || UNIX_EPOCH + wall()), machine)
    }

    async fn open(&self) -> Spool {
        let store = open_store(self.folder.path(), &self.tasks).await;
        let (clock, machine) = self.clocks();
        Spool::open_on(Some(store), self.settings.subscribe(), clock, machine).await.unwrap()
    }

    async fn open_without_store(&self) -> Spool {
        let (clock, machine) = self.clocks();
        Spool::open_on(None, self.settings.subscribe(), clock, machine).await.unwrap()
    }
}

/// Once the thread of the one before has let go of the file.
async fn open_store(folder: &Path, tasks: &Tasks) -> Store {
    loop {
        match Store::open(&folder.join("store.db"), tasks) {
            Ok(store) => return store,
            Err(error) => assert!(error.to_string().contains("locked"), "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

fn message(text: &str, qos: Qos) -> Publication {
    Publication::new("a/b", text.to_owned(), qos)
}

fn unsure(text: &str) -> Publication {
    message(text, Qos::AtMostOnce)
}

fn sure(text: &str) -> Publication {
    message(text, Qos::AtLeastOnce)
}

fn text(spooled: &Spooled) -> String {
    String::from_utf8(spooled.publication.payload.to_vec()).unwrap()
}

/// The next that is handed out at once.
async fn ready(spool: &Spool) -> Option<Spooled> {
    let next = tokio::time::timeout(Duration::from_secs(10), spool.next());
    match spool.figures().messages {
        0 => None,
        _ => Some(next.await.expect("a message waits")),
    }
}

/// Send all that waits.
async fn drain(spool: &Spool) -> Vec<String> {
    let mut sent = Vec::new();
    while let Some(next) = ready(spool).await {
        sent.push(text(&next));
        spool.done(next.id);
    }
    sent
}

fn lost(spool: &Spool, reason: &str) -> u64 {
    spool.figures().lost[reason]
}

#[tokio::test]
async fn messages_leave_in_the_order_in_which_they_came_and_urgent_ones_before() {
    let spool = Device::new(SpoolerSettings::default()).open().await;
    spool.online();
    for (text, priority) in
        [("a", Priority::Low), ("b", Priority::Normal), ("c", Priority::High), ("d", Priority::Low)]
    {
        for qos in [Qos::AtLeastOnce, Qos::AtMostOnce] {
            spool.push(Publication { priority, ..message(text, qos) }).await.unwrap();
        }
    }
    let mut order = Vec::new();
    while let Some(next) = ready(&spool).await {
        order.push((text(&next), next.publication.qos));
        spool.done(next.id);
    }
    let expected = ["c", "b", "a", "d"]
        .map(str::to_owned)
        .into_iter()
        .flat_map(|text| [(text.clone(), Qos::AtLeastOnce), (text, Qos::AtMostOnce)]);
    assert_eq!(order, expected.collect::<Vec<_>>());
    let figures = spool.figures();
    assert_eq!((figures.messages, figures.bytes), (0, 0));
    assert_eq!((figures.taken, figures.sent, figures.again), (8, 8, 0));
}

#[tokio::test]
async fn what_was_taken_is_there_after_a_restart_and_what_was_done_is_not() {
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    for number in 0..2_000 {
        spool.push(sure(&number.to_string())).await.unwrap();
    }
    for _ in 0..700 {
        spool.done(spool.next().await.id);
    }
    let handed_out = spool.next().await;
    assert_eq!(text(&handed_out), "700");
    spool.close().await.unwrap();
    drop(spool);
    let spool = device.open().await;
    assert_eq!(spool.figures().messages, 1_300);
    let expected: Vec<String> = (700..2_000).map(|number: u32| number.to_string()).collect();
    assert_eq!(drain(&spool).await, expected);
    spool.close().await.unwrap();
    drop(spool);
    let spool = device.open().await;
    assert_eq!((spool.figures().messages, spool.figures().bytes), (0, 0));
}

#[tokio::test]
async fn after_a_crash_no_more_are_sent_again_than_may_be_done_and_on_disk() {
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    for number in 0..3_000 {
        spool.push(sure(&number.to_string())).await.unwrap();
    }
    for _ in 0..3_000 {
        spool.done(spool.next().await.id);
    }
    // What is being deleted is, before the store is closed.
    drop(spool);
    let again = device.open().await.figures().messages;
    assert!(again <= state::MOST_UNDELETED, "{again}");
}

#[tokio::test]
async fn only_the_front_is_in_memory() {
    let device =
        Device::new(SpoolerSettings { bytes: Some(1 << 30), ..SpoolerSettings::default() });
    let spool = device.open().await;
    for number in 0..WINDOW * 3 {
        spool.push(sure(&number.to_string())).await.unwrap();
        assert!(spool.lock().in_memory() <= WINDOW as usize * 3 / 2);
    }
    for number in 0..WINDOW * 3 {
        let next = spool.next().await;
        assert_eq!(text(&next), number.to_string());
        spool.done(next.id);
        assert!(spool.lock().in_memory() <= WINDOW as usize * 3 / 2);
    }
    // Of large ones fewer.
    let large = "x".repeat(usize::try_from(WINDOW_BYTES / 4).unwrap());
    for _ in 0..20 {
        spool.push(sure(&large)).await.unwrap();
        assert!(spool.lock().in_memory() <= 7);
    }
    for _ in 0..20 {
        spool.done(spool.next().await.id);
        assert!(spool.lock().in_memory() <= 7);
    }
    assert_eq!(spool.figures().messages, 0);
}

#[tokio::test]
async fn what_was_handed_out_comes_back_in_order_when_the_connection_is_lost() {
    let spool = Device::new(SpoolerSettings::default()).open().await;
    spool.online();
    for text in ["a", "b", "c", "d"] {
        spool.push(sure(text)).await.unwrap();
    }
    let [a, b, c] = [spool.next().await, spool.next().await, spool.next().await];
    assert!(![&a, &b, &c].iter().any(|spooled| spooled.again));
    spool.done(b.id);
    spool.give_back();
    // Too late: it is not handed out.
    spool.done(c.id);
    let mut seen = Vec::new();
    while let Some(next) = ready(&spool).await {
        seen.push((text(&next), next.again));
        spool.done(next.id);
    }
    assert_eq!(seen, [("a", true), ("c", true), ("d", false)].map(|(t, a)| (t.to_owned(), a)));
    assert_eq!(spool.figures().again, 2);
}

#[tokio::test]
async fn without_a_connection_qos_0_is_refused_and_dropped() {
    let spool = Device::new(SpoolerSettings::default()).open().await;
    assert!(matches!(spool.push(unsure("a")).await, Err(SpoolError::Offline)));
    spool.online();
    for text in ["b", "c"] {
        spool.push(unsure(text)).await.unwrap();
        spool.push(sure(text)).await.unwrap();
    }
    let _handed_out = spool.next().await;
    spool.give_back();
    assert_eq!(drain(&spool).await, ["b", "c"]);
    assert_eq!(lost(&spool, "offline"), 3);
    assert_eq!(spool.figures().bytes, 0);
}

#[tokio::test]
async fn qos_0_that_is_to_be_kept_waits_on_disk_for_a_connection() {
    let keep = SpoolerSettings { keep_qos0: true, ..SpoolerSettings::default() };
    let device = Device::new(keep);
    let spool = device.open().await;
    spool.online();
    spool.push(unsure("in memory")).await.unwrap();
    spool.give_back();
    spool.push(unsure("on disk")).await.unwrap();
    spool.push(sure("too")).await.unwrap();
    drop(spool);
    let spool = device.open().await;
    assert_eq!(drain(&spool).await, ["on disk", "too"]);
    // What takes no disk comes back too.
    spool.online();
    spool.push(unsure("in memory")).await.unwrap();
    assert!(!spool.next().await.again);
    spool.give_back();
    assert_eq!(drain(&spool).await, ["in memory"]);
}

#[tokio::test]
async fn without_a_store_or_where_that_is_wished_all_is_in_memory() {
    let memory = Some(SpoolerStorage::Memory);
    let device = Device::new(SpoolerSettings { storage: memory, ..SpoolerSettings::default() });
    let spool = device.open().await;
    spool.push(sure("a")).await.unwrap();
    assert_eq!(drain(&spool).await, ["a"]);
    spool.push(sure("b")).await.unwrap();
    drop(spool);
    assert_eq!(device.open().await.figures().messages, 0);
    let spool = device.open_without_store().await;
    spool.push(sure("c")).await.unwrap();
    assert_eq!(drain(&spool).await, ["c"]);
    spool.close().await.unwrap();
}

#[tokio::test]
async fn what_was_on_disk_before_is_sent_though_it_is_memory_now() {
    let device = Device::new(SpoolerSettings::default());
    device.open().await.push(sure("a")).await.unwrap();
    let memory = Some(SpoolerStorage::Memory);
    device.set(SpoolerSettings { storage: memory, ..SpoolerSettings::default() });
    let spool = device.open().await;
    spool.push(sure("b")).await.unwrap();
    assert_eq!(drain(&spool).await, ["a", "b"]);
}

#[tokio::test]
async fn a_waiting_sender_hears_of_what_comes() {
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    let sender = spool.clone();
    let sent = device.tasks.spawn(async move { text(&sender.next().await) });
    tokio::task::yield_now().await;
    spool.push(sure("a")).await.unwrap();
    assert_eq!(sent.await.unwrap(), "a");
}

#[tokio::test]
async fn topics_keep_their_order_whoever_publishes_at_the_same_time() {
    const TOPICS: usize = 8;
    const EACH: usize = 300;
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    let publishers: Vec<_> = (0..TOPICS)
        .map(|topic| {
            let spool = spool.clone();
            device.tasks.spawn_guest(async move {
                for number in 0..EACH {
                    let topic = topic.to_string();
                    let message = Publication::new(topic, number.to_string(), Qos::AtLeastOnce);
                    spool.push(message).await.unwrap();
                }
            })
        })
        .collect();
    let (mut next, mut out) = ([0; TOPICS], Vec::new());
    for round in 0.. {
        if next.iter().sum::<usize>() == TOPICS * EACH {
            break;
        }
        let spooled = spool.next().await;
        out.push(spooled);
        // Now and then the connection is lost with a few under way.
        if round % 97 == 96 {
            spool.give_back();
            out.clear();
        } else if out.len() == 7 || next.iter().sum::<usize>() + out.len() == TOPICS * EACH {
            for spooled in out.drain(..) {
                let topic: usize = spooled.publication.topic.parse().unwrap();
                assert_eq!(text(&spooled), next[topic].to_string(), "topic {topic}");
                next[topic] += 1;
                spool.done(spooled.id);
            }
        }
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    assert_eq!(spool.figures().messages, 0);
}

fn any_publication() -> impl Strategy<Value = Publication> {
    let word = || proptest::option::of(".{0,20}");
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let properties = (word(), word(), proptest::option::of(bytes()), any::<Option<bool>>());
    let user = proptest::collection::vec((".{0,9}", ".{0,9}"), 0..4);
    (".{1,40}", bytes(), any::<(bool, bool)>(), properties, user).prop_map(
        |(topic, payload, (retain, unsure), (content_type, response_topic, data, utf8), user)| {
            let qos = if unsure { Qos::AtMostOnce } else { Qos::AtLeastOnce };
            Publication {
                retain,
                payload_format: utf8.map(|utf8| match utf8 {
                    true => PayloadFormat::Utf8,
                    false => PayloadFormat::Bytes,
                }),
                content_type,
                response_topic,
                correlation_data: data.map(Into::into),
                user_properties: user,
                ..Publication::new(topic, payload, qos)
            }
        },
    )
}

proptest! {
    #[test]
    fn a_publication_comes_back_from_its_row(publication in any_publication()) {
        let held = Held {
            size: publication.size(),
            publication: Arc::new(publication),
            expires: Some(7),
            stored: true,
            again: false,
        };
        let (number, back) = row::from_row(Priority::Normal, row::to_row(5, &held));
        prop_assert_eq!(number, 5);
        prop_assert_eq!(back.publication, held.publication);
        prop_assert_eq!((back.size, back.expires), (held.size, held.expires));
    }
}
