use super::*;

fn open(folder: &tempfile::TempDir) -> Box<dyn State> {
    Box::new(Sqlite::open(&folder.path().join("state.sqlite")).unwrap())
}

const NUMBERS: Table<u32> = Table::new("numbers");

fn put(state: &dyn State, rows: &[(Key, u32)]) {
    state
        .change(|transaction| {
            rows.iter().try_for_each(|(key, value)| NUMBERS.put(transaction, key, value))
        })
        .unwrap_or_else(|error: StateError| panic!("{error}"));
}

fn scan(state: &dyn State, prefix: &Key, after: Option<&Key>, limit: usize) -> Vec<u32> {
    let rows = state.snapshot().unwrap();
    let found = NUMBERS.scan(rows.as_ref(), prefix, after, limit).unwrap();
    found.into_iter().map(|(_, value)| value).collect()
}

#[test]
fn rows_are_in_the_order_of_their_parts() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let key = |name: &str, number| Key::new().text(name).number(number);
    let rows = [
        (key("a", 256), 2),
        (key("a", 1), 1),
        (key("a\0", 0), 3),
        (key("aa", 0), 4),
        (key("b", 0), 5),
    ];
    put(state.as_ref(), &rows);
    assert_eq!(scan(state.as_ref(), &Key::new(), None, 10), [1, 2, 3, 4, 5]);
    assert_eq!(scan(state.as_ref(), &Key::new().text("a"), None, 10), [1, 2]);
    assert_eq!(scan(state.as_ref(), &Key::new().text("a"), Some(&key("a", 1)), 10), [2]);
    assert_eq!(scan(state.as_ref(), &Key::new(), Some(&key("a", 256)), 2), [3, 4]);
}

#[test]
fn the_beginning_of_a_last_part_is_a_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let key = |name: &str| Key::new().text("bucket").last(name);
    put(state.as_ref(), &[(key("x/1"), 1), (key("x/2"), 2), (key("x0"), 3)]);
    assert_eq!(scan(state.as_ref(), &key("x/"), None, 10), [1, 2]);
    assert_eq!(key("x/1").last_after(&Key::new().text("bucket")).as_deref(), Some("x/1"));
    assert_eq!(scan(state.as_ref(), &Key::new(), Some(&key("x/").past()), 10), [3]);
    assert_eq!(Key::new().text("a\0b").text("c").first_text().as_deref(), Some("a\0b"));
    assert_eq!(Key::from_bytes(vec![0xff]).end_of_prefix(), None);
}

#[test]
fn a_failed_change_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let key = Key::new().text("a");
    put(state.as_ref(), &[(key.clone(), 1)]);
    let failed: Result<(), StateError> = state.change(|transaction| {
        NUMBERS.put(transaction, &key, &2)?;
        Err(StateError::Corrupt { table: "numbers", message: "as told".to_owned() })
    });
    assert!(failed.is_err());
    assert_eq!(scan(state.as_ref(), &Key::new(), None, 10), [1]);
}

#[test]
fn a_snapshot_does_not_see_later_changes() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let key = Key::new().text("a");
    put(state.as_ref(), &[(key.clone(), 1)]);
    let before = state.snapshot().unwrap();
    assert_eq!(NUMBERS.get(before.as_ref(), &key).unwrap(), Some(1));
    put(state.as_ref(), &[(key.clone(), 2)]);
    assert_eq!(NUMBERS.get(before.as_ref(), &key).unwrap(), Some(1));
    drop(before);
    assert_eq!(scan(state.as_ref(), &Key::new(), None, 10), [2]);
}

#[test]
fn what_is_committed_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    put(open(&folder).as_ref(), &[(Key::new().text("a"), 7)]);
    assert_eq!(scan(open(&folder).as_ref(), &Key::new(), None, 10), [7]);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let path = folder.path().join("state.sqlite");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let error = Sqlite::open(&path).unwrap_err().to_string();
    assert!(error.contains("newer gg-cloud (schema 99, this one knows 1)"), "{error}");
}

#[test]
fn messages_leave_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    for topic in ["first", "second"] {
        let done: Result<(), StateError> =
            state.change(|transaction| outbox::publish(transaction, topic, "{}"));
        done.unwrap();
    }
    let rows = state.snapshot().unwrap();
    let waiting = outbox::OUTBOX.scan(rows.as_ref(), &Key::new(), None, 10).unwrap();
    let topics: Vec<&str> = waiting.iter().map(|(_, message)| message.topic.as_str()).collect();
    assert_eq!(topics, ["first", "second"]);
}

#[test]
fn those_who_wait_for_a_table_learn_of_its_changes_once_they_last() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let (numbers, others) = (state.watch(&["numbers"]), state.watch(&["others"]));
    let failed: Result<(), StateError> = state.change(|transaction| {
        NUMBERS.put(transaction, &Key::new(), &1)?;
        Err(StateError::Corrupt { table: "numbers", message: "as told".to_owned() })
    });
    assert!(failed.is_err() && !numbers.has_changed().unwrap());
    put(state.as_ref(), &[(Key::new(), 1), (Key::new().text("a"), 2)]);
    assert_eq!((*numbers.borrow(), *others.borrow()), (1, 0));
}

#[test]
fn messages_can_hold_any_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    for bytes in [&b"text"[..], b"{\"base64\":\"AA==\"}", b"\xff\x00", b""] {
        let payload = outbox::Payload(bytes.to_vec());
        let message = outbox::Message { topic: "t".into(), payload, careless: true, retain: true };
        let done: Result<(), StateError> =
            state.change(|transaction| outbox::put(transaction, &message));
        done.unwrap();
        let rows = state.snapshot().unwrap();
        let waiting = outbox::OUTBOX.scan(rows.as_ref(), &Key::new(), None, 10).unwrap();
        assert_eq!(waiting.last().map(|(_, found)| found), Some(&message));
    }
}

/// Changes of several threads at once, each on rows of its own: those that fail, and the others.
fn many_at_once(state: &dyn State, work: impl Fn(&dyn State, u32) -> bool + Sync) -> Vec<u32> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || {
                    (0..50).map(|n| thread * 50 + n).filter(|n| work(state, *n)).collect()
                })
            })
            .collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap());
        done.collect::<Vec<Vec<u32>>>().concat()
    })
}

#[test]
fn changes_that_share_a_transaction_fail_alone_and_last_when_they_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let key = |number| Key::new().number(u64::from(number));
    let done = many_at_once(state.as_ref(), |state, number| {
        let changed = state.change_with_others(|tx| {
            NUMBERS.put(tx, &key(number), &number)?;
            match number % 3 {
                0 => Err(StateError::Corrupt { table: "numbers", message: "as told".to_owned() }),
                _ => Ok(()),
            }
        });
        // Who reads does so over a connection of their own, and sees what lasts.
        let rows = state.snapshot().unwrap();
        let found = NUMBERS.get(rows.as_ref(), &key(number)).unwrap();
        assert_eq!(found, changed.is_ok().then_some(number));
        changed.is_ok()
    });
    assert_eq!(done.len(), (0..400).filter(|number| number % 3 != 0).count());
    drop(state);
    assert_eq!(scan(open(&folder).as_ref(), &Key::new(), None, 1000), done);
}

#[test]
fn a_change_of_its_own_sees_only_what_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let counter = Key::new();
    put(state.as_ref(), &[(counter.clone(), 0)]);
    let done = many_at_once(state.as_ref(), |state, number| {
        let add = |tx: &mut dyn Transaction| -> Result<(), StateError> {
            let count = NUMBERS.get(tx, &counter)?.unwrap();
            if number % 5 == 0 {
                let rows = state.snapshot()?;
                assert_eq!(NUMBERS.get(rows.as_ref(), &counter)?, Some(count));
            }
            NUMBERS.put(tx, &counter, &(count + 1))
        };
        match number % 5 {
            0 => state.change(add).unwrap(),
            _ => state.change_with_others(add).unwrap(),
        }
        true
    });
    assert_eq!(scan(state.as_ref(), &Key::new(), None, 10), [done.len() as u32]);
}

#[test]
fn those_who_wait_for_a_table_learn_of_shared_changes_too() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let numbers = state.watch(&["numbers"]);
    let done: Result<(), StateError> =
        state.change_with_others(|tx| NUMBERS.put(tx, &Key::new(), &1));
    assert!(done.is_ok() && numbers.has_changed().unwrap());
}

#[test]
fn who_panics_takes_back_their_own_change_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let done = many_at_once(state.as_ref(), |state, number| {
        let change = || -> Result<(), StateError> {
            state.change_with_others(|tx| {
                NUMBERS.put(tx, &Key::new().number(u64::from(number)), &number)?;
                assert!(number % 10 != 0, "as told");
                Ok(())
            })
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(change)).is_ok()
    });
    assert_eq!(done.len(), 360);
    assert_eq!(scan(state.as_ref(), &Key::new(), None, 1000), done);
}

#[test]
fn a_file_is_opened_while_another_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let first = Sqlite::open(&path).unwrap();
    let mut change = first.begin().unwrap();
    change.put("t", &Key::new().text("a"), b"1").unwrap();
    let second = Sqlite::open(&path).unwrap();
    assert_eq!(second.snapshot().unwrap().get("t", &Key::new().text("a")).unwrap(), None);
    change.commit().unwrap();
    let copy = folder.path().join("copy.sqlite");
    assert_eq!(second.copy(&copy, || 7).unwrap(), 7);
    let copied = Sqlite::open(&copy).unwrap();
    let found = copied.snapshot().unwrap().get("t", &Key::new().text("a")).unwrap();
    assert_eq!(found.as_deref(), Some(b"1".as_slice()));
}

#[test]
fn messages_that_wait_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let waiting = || outbox::waiting(state.snapshot().unwrap().as_ref()).unwrap();
    assert_eq!(waiting(), 0);
    let put: Result<(), StateError> = state
        .change(|transaction| (0..3).try_for_each(|_| outbox::publish(transaction, "topic", "x")));
    put.unwrap();
    assert_eq!(waiting(), 3);
    let taken: Result<(), StateError> = state.change(|transaction| {
        let first = outbox::OUTBOX.scan(transaction, &Key::new(), None, 1)?;
        first.iter().try_for_each(|(key, _)| outbox::OUTBOX.delete(transaction, key))
    });
    taken.unwrap();
    assert_eq!(waiting(), 2);
}
