//! What happens when there is no room, in the spool or on the disk.

use super::*;

fn settings(messages: u64) -> SpoolerSettings {
    SpoolerSettings { messages: Some(messages), ..SpoolerSettings::default() }
}

fn keep_new(messages: u64) -> SpoolerSettings {
    SpoolerSettings { when_full: WhenSpoolerFull::DropOldest, ..settings(messages) }
}

#[tokio::test]
async fn a_full_spool_refuses() {
    let device = Device::new(settings(3));
    let spool = device.open().await;
    for text in ["a", "b", "c"] {
        spool.push(sure(text)).await.unwrap();
    }
    let error = spool.push(sure("d")).await.unwrap_err();
    assert!(matches!(error, SpoolError::Full { messages: 3, .. }), "{error}");
    // What is under way takes room until it is done.
    let next = spool.next().await;
    spool.push(sure("d")).await.unwrap_err();
    spool.done(next.id);
    spool.push(sure("d")).await.unwrap();
    assert_eq!(lost(&spool, "refused"), 2);
    // More room counts at once.
    device.set(settings(4));
    spool.push(sure("e")).await.unwrap();
    assert_eq!(drain(&spool).await, ["b", "c", "d", "e"]);
}

#[tokio::test]
async fn bytes_count_too() {
    let device = Device::new(SpoolerSettings { bytes: Some(1_000), ..SpoolerSettings::default() });
    let spool = device.open().await;
    let error = spool.push(sure(&"x".repeat(1_000))).await.unwrap_err();
    assert!(matches!(error, SpoolError::TooLarge { most: 1_000, .. }), "{error}");
    spool.push(sure(&"x".repeat(600))).await.unwrap();
    let error = spool.push(sure(&"x".repeat(600))).await.unwrap_err();
    assert!(matches!(error, SpoolError::Full { messages: 1, .. }), "{error}");
    spool.push(sure("x")).await.unwrap();
}

#[tokio::test]
async fn the_oldest_of_qos_0_make_room_in_memory_and_on_disk() {
    let keep = SpoolerSettings { keep_qos0: true, ..settings(1_500) };
    let device = Device::new(keep);
    for online in [true, false] {
        let spool = device.open().await;
        if online {
            spool.online();
        }
        for number in 0..1_500 {
            let text = number.to_string();
            spool.push(if number % 3 == 0 { unsure(&text) } else { sure(&text) }).await.unwrap();
        }
        // One that is under way stays.
        assert_eq!(text(&spool.next().await), "0");
        for number in 1_500..1_900 {
            spool.push(sure(&number.to_string())).await.unwrap();
        }
        assert_eq!(lost(&spool, "full"), 400);
        spool.give_back();
        let gone = |number: &u32| !(*number > 0 && *number <= 1_200 && number.is_multiple_of(3));
        let expected = (0..1_900).filter(gone).map(|number| number.to_string());
        assert_eq!(drain(&spool).await, expected.collect::<Vec<_>>());
        assert_eq!(spool.figures().bytes, 0);
        spool.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_oldest_of_all_make_room_where_that_is_the_rule() {
    let device = Device::new(keep_new(1_500));
    let spool = device.open().await;
    for number in 0..4_000 {
        spool.push(sure(&number.to_string())).await.unwrap();
    }
    assert_eq!(lost(&spool, "full"), 2_500);
    drop(spool);
    let spool = device.open().await;
    // Those that made room are deleted many at a time.
    let messages = spool.figures().messages;
    assert!((1_500..1_800).contains(&messages), "{messages}");
    let expected = (4_000 - messages..4_000).map(|number| number.to_string());
    assert_eq!(drain(&spool).await, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_makes_room_for_what_is_less_urgent() {
    let device = Device::new(keep_new(2));
    let spool = device.open().await;
    let of = |priority, text| Publication { priority, ..sure(text) };
    for text in ["a", "b"] {
        spool.push(of(Priority::High, text)).await.unwrap();
    }
    spool.push(of(Priority::Normal, "c")).await.unwrap_err();
    spool.push(of(Priority::High, "d")).await.unwrap();
    assert_eq!(drain(&spool).await, ["b", "d"]);
    for (priority, text) in [(Priority::Low, "e"), (Priority::Normal, "f"), (Priority::High, "g")] {
        spool.push(of(priority, text)).await.unwrap();
    }
    assert_eq!(drain(&spool).await, ["g", "f"]);
}

#[tokio::test]
async fn memory_has_a_limit_of_its_own_however_large_the_disk_may_be() {
    let large = SpoolerSettings { bytes: Some(1 << 40), ..SpoolerSettings::default() };
    let spool = Device::new(large).open().await;
    spool.online();
    spool.push(sure("first")).await.unwrap();
    for _ in 0..100 {
        spool.push(unsure(&"x".repeat(100_000))).await.unwrap();
    }
    assert!(spool.figures().bytes <= 2_621_440, "{:?}", spool.figures());
    assert_eq!(text(&spool.next().await), "first");
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_keeps_what_was_taken() {
    let device =
        Device::new(SpoolerSettings { bytes: Some(1 << 30), ..SpoolerSettings::default() });
    let store = open_store(device.folder.path(), &device.tasks).await;
    store.let_grow_to(200).await.unwrap();
    let (clock, machine) = device.clocks();
    let spool = Spool::open_on(Some(store), device.settings.subscribe(), clock, machine);
    let spool = spool.await.unwrap();
    let message = |number: u32| sure(&format!("{number} {}", "x".repeat(1_000)));
    let (mut taken, mut sent) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let error = loop {
            match spool.push(message(taken.len() as u32)).await {
                Ok(()) => taken.push(text_of(&message(taken.len() as u32))),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(spool.figures().messages, (taken.len() - sent.len()) as u64);
        // There is room again once some are sent.
        for _ in 0..300 {
            let next = spool.next().await;
            sent.push(text(&next));
            spool.done(next.id);
        }
        spool.close().await.unwrap();
    }
    drop(spool);
    sent.extend(drain(&device.open().await).await);
    assert_eq!(sent, taken);
}

fn text_of(publication: &Publication) -> String {
    String::from_utf8(publication.payload.to_vec()).unwrap()
}
