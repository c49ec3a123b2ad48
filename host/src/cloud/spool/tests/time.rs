//! How long messages are of use.

use super::*;

fn for_seconds(seconds: u32, text: &str) -> Publication {
    Publication { message_expiry: Some(seconds), ..sure(text) }
}

#[tokio::test]
async fn what_is_left_of_its_time_goes_with_a_message_and_without_any_it_is_not_sent() {
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    for (seconds, text) in [(10, "a"), (3, "b"), (100, "c")] {
        spool.push(for_seconds(seconds, text)).await.unwrap();
    }
    spool.push(sure("d")).await.unwrap();
    device.wait(4_500);
    let left: Vec<_> = [ready(&spool).await, ready(&spool).await, ready(&spool).await]
        .iter()
        .flatten()
        .map(|next| (text(next), next.publication.message_expiry))
        .collect();
    let expected = [("a", Some(6)), ("c", Some(96)), ("d", None)];
    assert_eq!(left, expected.map(|(text, left)| (text.to_owned(), left)));
    assert_eq!(lost(&spool, "expired"), 1);
    // One that comes back is older.
    spool.give_back();
    device.wait(10_000);
    assert_eq!(spool.next().await.publication.message_expiry, Some(86));
}

#[tokio::test]
async fn setting_the_clock_makes_no_message_older_or_younger() {
    let device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    spool.push(for_seconds(60, "a")).await.unwrap();
    for clock in [0, NEW_YEAR * 2] {
        device.wall.store(clock, Ordering::Relaxed);
        device.uptime.fetch_add(10_000, Ordering::Relaxed);
        drop(spool.next().await);
        spool.give_back();
    }
    assert_eq!(spool.next().await.publication.message_expiry, Some(40));
    drop(spool);
    device.wall.store(NEW_YEAR, Ordering::Relaxed);
    let spool = device.open().await;
    assert_eq!(spool.next().await.publication.message_expiry, Some(40));
}

#[tokio::test]
async fn messages_age_while_the_machine_is_off() {
    let mut device = Device::new(SpoolerSettings::default());
    let spool = device.open().await;
    spool.push(for_seconds(60, "a")).await.unwrap();
    spool.push(for_seconds(20, "b")).await.unwrap();
    drop(spool);
    device.boot = "second";
    device.wall.fetch_add(30_000, Ordering::Relaxed);
    device.uptime.store(1_000, Ordering::Relaxed);
    let spool = device.open().await;
    assert_eq!(spool.next().await.publication.message_expiry, Some(30));
    assert_eq!(spool.figures().messages, 2);
    assert!(tokio::time::timeout(Duration::from_millis(1), spool.next()).await.is_err());
    assert_eq!(lost(&spool, "expired"), 1);
}

#[tokio::test]
async fn what_has_expired_makes_room_wherever_it_is() {
    let settings = SpoolerSettings { messages: Some(2_000), ..SpoolerSettings::default() };
    let device = Device::new(settings);
    let spool = device.open().await;
    for number in 0..2_000 {
        spool.push(for_seconds(10 + number / 1_000 * 100, &number.to_string())).await.unwrap();
    }
    assert!(matches!(spool.push(sure("x")).await, Err(SpoolError::Full { messages: 2_000, .. })));
    device.wait(20_000);
    spool.push(sure("x")).await.unwrap();
    assert_eq!((spool.figures().messages, lost(&spool, "expired")), (1_001, 1_000));
    let expected = (1_000..2_000).map(|number| number.to_string()).chain(["x".to_owned()]);
    assert_eq!(drain(&spool).await, expected.collect::<Vec<_>>());
}
