//! The configuration of shadow manager.

use super::*;
use crate::shape::{Path, ShapeError, Warnings};
use std::time::Duration;

fn read(configuration: &Value) -> Result<(ShadowSettings, usize), ShapeError> {
    let mut warnings = Warnings::default();
    let settings = ShadowSettings::read(&Path::root(SHADOW_MANAGER), configuration, &mut warnings)?;
    Ok((settings, warnings.into_vec("").len()))
}

#[test]
fn a_configuration_is_read_with_its_defaults() {
    let core = "Core".parse().unwrap();
    let (none, _) = read(&json!({})).unwrap();
    assert_eq!(none, ShadowSettings::default());
    assert_eq!((none.total_rate, none.thing_rate, none.outbound_rate), (200, 20, 100));
    assert_eq!(none.document_bytes, 8192);
    assert!(none.synchronized(&core).is_empty());

    let (settings, warnings) = read(&json!({
        "strategy": {"type": "periodic", "delay": 60},
        "synchronize": {
            "direction": "deviceToCloud",
            "coreThing": {"namedShadows": ["one", "two"]},
            "shadowDocuments": [
                {"thingName": "Lamp", "classic": false, "namedShadows": ["one"]},
                {"thingName": "Door"},
            ],
            "shadowDocumentsMap": {"Lamp": {"classic": true}},
        },
        "rateLimits": {
            "maxOutboundSyncUpdatesPerSecond": 5,
            "maxTotalLocalRequestsRate": 1000,
            "maxLocalRequestsPerSecondPerThing": "500",
        },
        "shadowDocumentSizeLimitBytes": 30720,
        "other": 1,
    }))
    .unwrap();
    assert_eq!(settings.strategy, SyncStrategy::Periodic(Duration::from_secs(60)));
    assert_eq!(settings.direction, SyncDirection::DeviceToCloud);
    assert_eq!((settings.total_rate, settings.thing_rate), (1000, 500));
    assert_eq!((settings.outbound_rate, settings.document_bytes), (5, 30720));
    assert_eq!(warnings, 1);
    let topics: Vec<String> =
        settings.synchronized(&core).iter().map(ToString::to_string).collect();
    let wanted = [
        "$aws/things/Core/shadow",
        "$aws/things/Core/shadow/name/one",
        "$aws/things/Core/shadow/name/two",
        "$aws/things/Door/shadow",
        "$aws/things/Lamp/shadow",
        "$aws/things/Lamp/shadow/name/one",
    ];
    assert_eq!(topics, wanted);
}

#[test]
fn what_is_no_configuration_is_told_with_its_place() {
    for (configuration, place) in [
        (json!({"strategy": {"type": "sometimes"}}), "strategy.type"),
        (json!({"synchronize": {"direction": 5}}), "synchronize.direction"),
        (json!({"synchronize": {"shadowDocuments": [{}]}}), "synchronize.shadowDocuments[0]"),
        (json!({"synchronize": {"coreThing": {"namedShadows": ["a b"]}}}), "namedShadows[0]"),
        (json!({"rateLimits": {"maxTotalLocalRequestsRate": 0}}), "maxTotalLocalRequestsRate"),
        (json!({"shadowDocumentSizeLimitBytes": 30721}), "shadowDocumentSizeLimitBytes"),
        (json!([]), "aws.greengrass.ShadowManager"),
    ] {
        let error = read(&configuration).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}
