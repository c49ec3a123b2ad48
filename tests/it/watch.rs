//! `--watch`: a component is swapped when its file changes, and no message is lost on the way.

use crate::host::{Event, Host, Run, file, folder, guest, run};
use rustix::process::Signal;
use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::Path;

/// The code of a relay that signs with another version.
fn version(name: &str, letter: u8) -> Vec<u8> {
    let mut code = fs::read(guest(name)).unwrap();
    let mark = b"version-A";
    let places: Vec<usize> =
        code.windows(mark.len()).enumerate().filter(|(_, w)| w == mark).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{name} holds its version");
    for place in places {
        code[place + mark.len() - 1] = letter;
    }
    code
}

/// Replace a file by another under its name, as careful tools do.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(new, path).unwrap();
}

/// Write a file anew in its place, in several steps, as others do.
fn rewrite(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(0).unwrap();
    file.rewind().unwrap();
    for part in bytes.chunks(bytes.len() / 5 + 1) {
        file.write_all(part).unwrap();
        file.flush().unwrap();
    }
}

fn relayed_by(letter: char) -> impl Fn(&Event) -> bool {
    move |event| {
        event.is_on("relayed") && event.json["payload"]["by"] == format!("version-{letter}")
    }
}

/// Stop, and check that every number that was published has come through, once and in order.
fn count_through(host: Host, first: u64) {
    host.signal(Signal::INT);
    let outcome = host.finish();
    let said = outcome.expect("publishes", "published ").message().to_owned();
    let published: u64 = said.strip_prefix("published ").unwrap().parse().unwrap();
    let numbers: Vec<u64> = outcome
        .payloads("relayed")
        .iter()
        .map(|payload| payload["number"].as_u64().unwrap())
        .collect();
    let in_order = numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    let gaps: Vec<_> = numbers.windows(2).filter(|pair| pair[0] + 1 != pair[1]).collect();
    assert!(in_order, "lost, doubled or out of order: {gaps:?}\n{outcome}");
    assert!(numbers[0] <= first, "begins with {}\n{outcome}", numbers[0]);
    // What was published in the very end may meet a relay that has been stopped.
    let last = numbers[numbers.len() - 1];
    assert!(last + 200 > published, "{last} of {published}\n{outcome}");
}

fn watching(path: &Path) -> Run {
    run([path.to_owned(), guest("publishes")]).arg("--watch").subscribe("relayed")
}

#[test]
fn a_handler_is_swapped_without_losing_a_message() {
    let folder = folder();
    let path = file(folder.path(), "relay.wasm", version("relay-handler", b'A'));
    let mut host = watching(&path)
        .config(r#"relay:subscriptions=[{"topic": "numbers", "queue": 10000}]"#)
        .start();
    host.wait_for("the first", relayed_by('A'));

    replace(&path, &version("relay-handler", b'B'));
    host.wait_for("the second version", relayed_by('B'));
    rewrite(&path, &version("relay-handler", b'C'));
    host.wait_for("the third version", relayed_by('C'));
    replace(&path, &version("relay-handler", b'A'));
    host.wait_for("the first again", relayed_by('A'));
    host.wait_for_messages("relayed", 50);
    count_through(host, 0);
}

#[test]
fn a_service_is_swapped_without_losing_a_message() {
    let folder = folder();
    let path = file(folder.path(), "relay.wasm", version("relays", b'A'));
    let mut host = watching(&path).start();
    host.wait_for("the first", relayed_by('A'));

    replace(&path, &version("relays", b'B'));
    host.wait_for("the second version", relayed_by('B'));
    rewrite(&path, &version("relays", b'C'));
    host.wait_for("the third version", relayed_by('C'));
    host.wait_for_messages("relayed", 50);
    count_through(host, u64::MAX);
}

#[test]
fn a_file_that_does_not_load_leaves_the_one_that_runs() {
    let folder = folder();
    let path = file(folder.path(), "relay.wasm", version("relay-handler", b'A'));
    let mut host = watching(&path)
        .config(r#"relay:subscriptions=[{"topic": "numbers", "queue": 10000}]"#)
        .start();
    host.wait_for("the first", relayed_by('A'));

    rewrite(&path, b"not a component at all");
    host.wait_for("the refusal", |event| event.says("relay", "the one that runs goes on"));
    host.wait_for_messages("relayed", 20);
    replace(&path, &version("relay-handler", b'B'));
    host.wait_for("the next good one", relayed_by('B'));
    count_through(host, 0);
}

#[test]
fn a_service_that_has_ended_runs_again_when_its_file_changes() {
    let folder = folder();
    let code = fs::read(guest("exits")).unwrap();
    let path = file(folder.path(), "exits.wasm", &code);
    let mut host = run([&path]).arg("--watch").guest_args(["ok"]).start();
    host.wait_for("the first run", |event| event.says("exits", "ending: ok"));
    // The same with one custom section more: another file, and the same component.
    let changed = [&code[..], b"\0\x03\x01x!"].concat();
    replace(&path, &changed);
    host.wait_for("the second run", |event| event.says("exits", "ending: ok"));
    host.signal(Signal::INT);
    host.finish().expect_code(0);
}

#[test]
fn a_run_that_watches_ends_when_it_is_interrupted() {
    let mut host = run([guest("waits")]).arg("--watch").start();
    host.wait_for("it is up", |event| event.says("waits", "waiting"));
    host.signal(Signal::TERM);
    host.finish().expect_code(0).expect("waits", "tidied up");
}
