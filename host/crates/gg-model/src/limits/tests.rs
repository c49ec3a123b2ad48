use super::*;

#[test]
fn every_limit_is_set_by_name_and_shown() {
    #[rustfmt::skip]
    let table = [
        ("memory", "64MiB", "64 MiB"), ("memory", "64MB", "62500 KiB"), ("memory", "65536", "64 KiB"),
        ("memory", "65537", "65537"), ("memory", " 1 GiB ", "1 GiB"), ("memory", "2g", "2 GiB"),
        ("table-elements", "5", "5"), ("instances", "70", "70"), ("memories", "1", "1"),
        ("tables", "0", "0"), ("handles", "1_000", "1000"), ("resources", "9", "9"),
        ("host-call-data", "1mib", "1 MiB"), ("stack", "1MiB", "1 MiB"), ("subscriptions", "0", "0"),
        ("watches", "3", "3"), ("queue", "4294967295", "4294967295"), ("log-rate", "10", "10"),
        ("log-line", "1KB", "1000"), ("cpu", "0.25", "0.25"), ("cpu", "4", "4"),
        ("handler-deadline", "500ms", "500 ms"), ("handler-deadline", "2s", "2 s"),
        ("start-deadline", "1m", "60 s"), ("concurrency", "8", "8"), ("retries", "0", "0"),
        ("http-requests", "1", "1"), ("logRate", "11", "11"), ("HOST_CALL_DATA", "2 KiB", "2 KiB"),
    ];
    for (name, value, shown) in table {
        let mut limits = Limits::default();
        limits.set(name, value).unwrap();
        let changed: Vec<LimitRow> = limits
            .describe()
            .into_iter()
            .zip(Limits::default().describe())
            .filter_map(|(after, before)| (after != before).then_some(after))
            .collect();
        assert_eq!(changed.len(), 1, "{name} = {value}");
        assert_eq!(changed[0].value, shown, "{name} = {value}");
    }
}

#[test]
fn wrong_values_are_refused_with_the_remedy() {
    #[rustfmt::skip]
    let table = [
        ("memory", ""), ("memory", "-1"), ("memory", "1.5GiB"), ("memory", "64XB"), ("memory", "MiB"),
        ("memory", "0"), ("memory", "_1"), ("memory", "99999999999999999999"),
        ("memory", "18446744073709551615KiB"), ("instances", "0"), ("instances", "4294967296"),
        ("instances", "5MiB"), ("cpu", "0"), ("cpu", "-1"), ("cpu", "NaN"), ("cpu", "inf"), ("cpu", ""),
        ("handler-deadline", "30"), ("handler-deadline", "0s"), ("handler-deadline", "1d"),
        ("handler-deadline", "18446744073709551615s"), ("handler-deadline", "9000000h"),
    ];
    for (name, value) in table {
        let error = Limits::default().set(name, value).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the limit {name} cannot be `{value}`: ")), "{error}");
    }
    let huge = "9".repeat(1_000_000);
    assert!(Limits::default().set("memory", &huge).unwrap_err().to_string().len() < 300);
    assert!(Limits::default().set(&huge, "1").unwrap_err().to_string().len() < 500);
}

#[test]
fn an_unknown_name_finds_its_neighbour() {
    let error = |name: &str| Limits::default().set(name, "1").unwrap_err().to_string();
    assert_eq!(error("memroy"), "there is no limit `memroy`; is it `memory`?");
    assert!(
        error("bananas")
            .starts_with("there is no limit `bananas`; there are memory, table-elements, ")
    );
    assert!(error("").starts_with("there is no limit ``; there are "));
}

#[test]
fn pairs_are_laid_over_the_defaults() {
    let mut overrides = LimitOverrides::default();
    assert!(overrides.is_empty());
    overrides.set_pair("memory=64MiB").unwrap();
    overrides.set_pair(" retries = 2 ").unwrap();
    overrides.extend("memory=32MiB".parse().unwrap());
    let mut limits = Limits { queue: 7, ..Limits::default() };
    limits.apply(&overrides);
    assert_eq!(limits, Limits { memory: 32 * MIB, retries: 2, queue: 7, ..Limits::default() });
    let error = overrides.set_pair("memory").unwrap_err().to_string();
    assert_eq!(
        error,
        "the limit `memory` has no value; write NAME=VALUE, for example `memory=64MiB`"
    );
}

#[test]
fn what_is_shown_can_be_set() {
    let odd = Limits {
        memory: 65_537,
        handler_deadline: Duration::from_millis(1_500),
        cpu: 0.1,
        ..Limits::default()
    };
    for limits in [Limits::default(), odd] {
        let mut copy = Limits { memory: 1, retries: 0, ..Limits::default() };
        for row in limits.describe() {
            copy.set(row.name, &row.value).unwrap();
            assert!(!row.description.is_empty());
        }
        assert_eq!(copy, limits);
    }
}

#[test]
fn the_table_has_a_row_for_every_field() {
    let rows = Limits::default().describe();
    let fields = format!("{:?}", Limits::default()).matches(": ").count();
    assert_eq!(rows.len(), fields);
    assert_eq!(rows[0].value, "128 MiB");
    assert_eq!(rows[0].unit, "bytes");
    assert_eq!(rows[0].raise, "--limit memory=… or sandbox.limits.memory");
}

#[test]
fn exceeding_a_limit_says_how_to_raise_it() {
    let limits = Limits::default();
    assert_eq!(
        limits.exceeded("memory", None).to_string(),
        "exceeds the limit memory = 128 MiB; raise it with --limit memory=… or \
         sandbox.limits.memory in the component's configuration"
    );
    assert_eq!(
        limits.exceeded("instances", Some("201".into())).to_string(),
        "exceeds the limit instances = 200 (201 needed); raise it with --limit instances=… or \
         sandbox.limits.instances in the component's configuration"
    );
    let exceeded = Exceeded { by_deployment: true, ..limits.exceeded("memory", None) };
    assert_eq!(
        exceeded.to_string(),
        "exceeds the limit memory = 128 MiB; raise it with runWith.systemResourceLimits.memory in \
         the component's deployment"
    );
}
