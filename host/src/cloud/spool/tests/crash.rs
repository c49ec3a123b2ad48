//! A program that is killed while it publishes and sends, again and again.

use super::*;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const KILLS: u32 = 200;
const TOPICS: u32 = 8;
/// Messages that may be under way.
const IN_FLIGHT: usize = 20;

/// Tells the program its folder and which of its lives it is.
const FOLDER: &str = "GG_SPOOL_CRASH";

/// What the program says it did: it published a number, whose publisher was told so, or the broker
/// has acknowledged one.
#[derive(Debug)]
enum Said {
    Published(u32, u64),
    Sent(u32, u64),
}

fn said(line: &str) -> Option<Said> {
    let mut words = line.split(' ');
    let (what, topic, number) = (words.next()?, words.next()?, words.next()?);
    let (topic, number) = (topic.parse().ok()?, number.parse().ok()?);
    match what {
        "published" => Some(Said::Published(topic, number)),
        "sent" => Some(Said::Sent(topic, number)),
        _ => None,
    }
}

/// The program: publishes on some topics at once, and sends, both or one of them.
#[tokio::test]
#[ignore = "a program that the test below kills"]
async fn program() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let life: u64 = std::env::var("GG_SPOOL_LIFE").unwrap().parse().unwrap();
    let tasks = Tasks::new(None).unwrap();
    let settings = SpoolerSettings { bytes: Some(1 << 30), ..SpoolerSettings::default() };
    let mut nucleus = NucleusSettings::default();
    nucleus.mqtt.spooler = settings;
    let store = open_store(Path::new(&folder), &tasks).await;
    let settings = watch::Sender::new(Arc::new(nucleus)).subscribe();
    let spool = Spool::open(Some(store), settings, Clock::system()).await.unwrap();
    let last = life == u64::from(KILLS);
    println!("\nbegins");
    if life % 3 != 2 && !last {
        for topic in 0..TOPICS {
            let spool = spool.clone();
            tasks.spawn_guest(async move {
                for number in life * 1_000_000.. {
                    let message =
                        Publication::new(topic.to_string(), number.to_string(), Qos::AtLeastOnce);
                    spool.push(message).await.unwrap();
                    println!("published {topic} {number}");
                }
            });
        }
    }
    if life.is_multiple_of(3) {
        return std::future::pending().await;
    }
    spool.online();
    loop {
        let mut out = Vec::new();
        while out.len() < IN_FLIGHT && (!last || spool.figures().messages > out.len() as u64) {
            let spooled = spool.next().await;
            println!("sent {} {}", spooled.publication.topic, text(&spooled));
            out.push(spooled);
        }
        if last && out.is_empty() {
            return spool.close().await.unwrap();
        }
        // The broker acknowledges in an order of its own.
        out.sort_by_key(|spooled| text(spooled).bytes().rev().collect::<Vec<_>>());
        out.iter().for_each(|spooled| spool.done(spooled.id));
    }
}

#[test]
fn a_program_that_is_killed_at_any_moment_loses_nothing_and_keeps_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let name = format!("{}::program", module_path!().split_once("::").unwrap().1);
    let mut random = std::time::Instant::now().elapsed().subsec_nanos() | 1;
    let mut published: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    let (mut first, mut again): (BTreeMap<u32, Vec<u64>>, usize) = (BTreeMap::new(), 0);
    for life in 0..=KILLS {
        let mut child = Command::new(&program)
            .args([&name, "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env("GG_SPOOL_LIFE", life.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "begins"), "life {life}");
        if life < KILLS {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            std::thread::sleep(Duration::from_micros(u64::from(random % 60_000)));
            kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        }
        let mut twice = 0;
        for line in lines {
            match said(&line) {
                Some(Said::Published(topic, number)) => {
                    published.entry(topic).or_default().insert(number);
                }
                Some(Said::Sent(topic, number)) => {
                    let before = first.entry(topic).or_default();
                    match before.binary_search(&number) {
                        Ok(_) => twice += 1,
                        Err(place) => {
                            assert_eq!(place, before.len(), "{number} of {topic} is late");
                            before.push(number);
                        }
                    }
                }
                None => {}
            }
        }
        assert_eq!(child.wait().unwrap().success(), life == KILLS);
        // Those that were done and not yet deleted, and those that were under way.
        assert!(
            twice <= state::MOST_UNDELETED as usize + IN_FLIGHT,
            "{twice} were sent again in life {life}"
        );
        again += twice;
    }
    for (topic, numbers) in &published {
        let sent: BTreeSet<u64> = first[topic].iter().copied().collect();
        let lost: Vec<_> = numbers.difference(&sent).collect();
        assert!(lost.is_empty(), "{topic}: {lost:?}");
    }
    let count: usize = published.values().map(BTreeSet::len).sum();
    println!("{count} published, {again} sent again in {KILLS} lives");
    assert!(count > KILLS as usize && again > 0, "{count} published, {again} sent again");
}
