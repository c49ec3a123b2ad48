use super::*;
use proptest::prelude::*;

fn read(json: &str) -> Option<Timestamp> {
    serde_json::from_str(json).ok()
}

#[test]
fn times_are_written_with_a_point() {
    for (millis, json) in
        [(0, "0.0"), (1_700_000_000_000, "1700000000.0"), (1_700_000_000_123, "1700000000.123")]
    {
        let time = Timestamp::from_millis(millis);
        assert_eq!(serde_json::to_string(&time).unwrap(), json);
        assert_eq!(read(json).unwrap().as_millis(), millis);
    }
}

#[test]
fn integers_and_fractions_of_milliseconds_are_read() {
    assert_eq!(read("1700000000").unwrap().as_millis(), 1_700_000_000_000);
    assert_eq!(read("1700000000.123456").unwrap().as_millis(), 1_700_000_000_123);
    assert_eq!(read("1.7e9").unwrap().as_seconds(), 1.7e9);
    assert_eq!(read("1e300").unwrap().as_millis(), i64::MAX);
    assert_eq!(read("-1e300").unwrap().as_millis(), i64::MIN);
}

#[test]
fn what_is_no_number_is_refused() {
    for json in ["null", "\"2026-01-01T00:00:00Z\"", "1e999", "NaN", "true"] {
        assert!(read(json).is_none(), "{json}");
    }
}

proptest! {
    #[test]
    fn times_come_back(time: Timestamp) {
        let json = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
    }

    #[test]
    fn milliseconds_are_exact_for_ages(millis in -4_000_000_000_000_000_i64..4_000_000_000_000_000) {
        prop_assert_eq!(Timestamp::from_millis(millis).as_millis(), millis);
    }
}
