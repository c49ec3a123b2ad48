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
