//! What a device has taken reaches the broker: a nucleus and a broker that are killed again and again,
//! and a network between them that is cut.

use crate::broker::{Broker, Network, Peer, Weather};
use crate::device::Device;
use crate::host::{DEADLINE, guest};
use crate::nucleus::Random;
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const NAME: &str = "com.example.Numbers";

/// Kills of the nucleus or the broker.
const KILLS: u32 = 200;

/// Messages that may be sent again after one of them: those that the broker has acknowledged and that
/// are still on disk, and those that were under way.
const MOST_AGAIN: u64 = 1024 + 100;

/// What has reached the broker.
#[derive(Default)]
struct Arrived {
    /// By topic, without those that came again.
    first: BTreeMap<String, Vec<u64>>,
    all: BTreeSet<u64>,
    again: u64,
}

impl Arrived {
    fn add(&mut self, topic: String, number: u64) {
        if !self.all.insert(number) {
            self.again += 1;
            return;
        }
        let before = self.first.entry(topic).or_default();
        let last = before.last().copied().unwrap_or_default();
        assert!(last < number, "{number} comes after {last}");
        before.push(number);
    }
}

/// Note what arrives until the broker ends.
#[expect(clippy::disallowed_methods, reason = "there is no host here whose end it would outlive")]
async fn note(port: u16, arrived: Arc<Mutex<Arrived>>) -> JoinHandle<()> {
    let mut peer = Peer::connect(port, "peer", &["numbers/#"]).await;
    tokio::spawn(async move {
        while let Some(message) = peer.next_until_end().await {
            let number = str::from_utf8(&message.payload).unwrap().parse().unwrap();
            arrived.lock().unwrap().add(message.topic, number);
        }
    })
}

/// Note what the component says is taken, from all its starts.
fn listen() -> (String, Arc<Mutex<BTreeSet<u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taken = Arc::<Mutex<BTreeSet<u64>>>::default();
    let noted = Arc::clone(&taken);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let noted = Arc::clone(&noted);
            thread::spawn(move || {
                // The last line may be cut off.
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                    if let Some(number) = line.strip_suffix('\n') {
                        noted.lock().unwrap().insert(number.parse().unwrap());
                    }
                    line.clear();
                }
            });
        }
    });
    (address, taken)
}

fn device(port: u16, address: &str) -> Device {
    let device = Device::new();
    device.settings(&format!(
        "iotDataEndpoint: 127.0.0.1, mqtt: {{port: {port}, tls: false, \
         minimumReconnectDelaySeconds: 1, maximumReconnectDelaySeconds: 1, \
         spooler: {{maxSizeInBytes: 100000000}}}}"
    ));
    device.artifact(NAME, "1.0.0", &guest("numbers"));
    device.recipe(
        NAME,
        "1.0.0",
        &format!(
            "ComponentConfiguration:\n  DefaultConfiguration: {{sandbox: {{network: ['{address}']}}, \
             accessControl: {{aws.greengrass.ipc.mqttproxy: {{'p:1': {{operations: ['*'], \
             resources: ['numbers/#']}}}}}}}}\nManifests:\n  - Platform: {{runtime: wasm}}\n    \
             Lifecycle: {{run: '{{artifacts:path}}/numbers.wasm {address}'}}\n    \
             Artifacts: [{{URI: 's3://bucket/numbers.wasm'}}]\n"
        ),
    );
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_and_whatever_is_cut_nothing_that_was_taken_is_lost() {
    let mut broker =
        Broker::with("allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0");
    let network = Network::to(broker.port).await;
    let (address, taken) = listen();
    let arrived = Arc::<Mutex<Arrived>>::default();
    let mut notes = note(broker.port, Arc::clone(&arrived)).await;
    let device = device(network.port, &address);
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    let mut random = Random::new();
    let (mut kills, mut cuts) = (0, 0);
    while kills < KILLS {
        thread::sleep(Duration::from_micros(random.below(100_000)));
        match random.below(10) {
            0..=6 => {
                nucleus.signal(Signal::KILL);
                drop(nucleus);
                nucleus = device.start();
                kills += 1;
            }
            7 | 8 => {
                if random.below(2) == 0 {
                    broker.kill();
                } else {
                    broker.stop();
                }
                // Nothing goes to the one that follows before somebody sees what arrives there.
                network.cut().await;
                notes.await.unwrap();
                broker.again();
                notes = note(broker.port, Arc::clone(&arrived)).await;
                network.set(Weather::Fair);
                kills += 1;
            }
            _ => {
                network.set(Weather::Silent);
                thread::sleep(Duration::from_micros(random.below(50_000)));
                // What was lost is lost with its connection, as TCP has it.
                network.cut().await;
                network.set(Weather::Fair);
                cuts += 1;
            }
        }
    }
    let taken = taken.lock().unwrap().clone();
    let begin = Instant::now();
    while !taken.is_subset(&arrived.lock().unwrap().all) {
        if begin.elapsed() > DEADLINE {
            let arrived = arrived.lock().unwrap();
            let lost: Vec<_> = taken.difference(&arrived.all).collect();
            panic!("{} of {} are lost, {random:?}: {lost:?}", lost.len(), taken.len());
        }
        assert!(!notes.is_finished(), "see above");
        tokio::task::yield_now().await;
    }
    let again = arrived.lock().unwrap().again;
    println!("{} taken, {again} sent again, {kills} kills, {cuts} cuts", taken.len());
    assert!(taken.len() > KILLS as usize, "{} were taken", taken.len());
    assert!(again <= u64::from(kills + cuts) * MOST_AGAIN, "{again} were sent again");
}
