//! Components that AWS provides, as far as others depend on them: virtual ones, which do nothing, since
//! devices bring what they stand for themselves (Greengrass developer guide, "AWS-provided
//! components").

use super::{Component, Platform};
use crate::clock::Time;
use gg_model::{ComponentName, ComponentVersion, VersionRequirement};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DESCRIPTION: &str = "Stands for what the device brings itself.";
const PUBLISHER: &str = "gg-cloud";

/// Their names, and the newest version that is known of each.
const ALL: &[(&str, &str)] = &[
    ("aws.greengrass.Cli", "2.14.0"),
    ("aws.greengrass.DiskSpooler", "1.0.5"),
    ("aws.greengrass.DockerApplicationManager", "2.0.12"),
    ("aws.greengrass.LambdaLauncher", "2.0.13"),
    ("aws.greengrass.LambdaManager", "2.3.5"),
    ("aws.greengrass.LambdaRuntimes", "2.0.9"),
    ("aws.greengrass.LegacySubscriptionRouter", "2.1.13"),
    ("aws.greengrass.LocalDebugConsole", "2.4.5"),
    ("aws.greengrass.LogManager", "2.3.9"),
    ("aws.greengrass.Nucleus", "2.14.0"),
    ("aws.greengrass.NucleusLite", "2.2.0"),
    ("aws.greengrass.SecretManager", "2.2.2"),
    ("aws.greengrass.SecureTunneling", "1.1.1"),
    ("aws.greengrass.ShadowManager", "2.3.10"),
    ("aws.greengrass.StreamManager", "2.2.0"),
    ("aws.greengrass.SystemsManagerAgent", "1.2.4"),
    ("aws.greengrass.TokenExchangeService", "2.0.3"),
    ("aws.greengrass.clientdevices.Auth", "2.5.2"),
    ("aws.greengrass.clientdevices.IPDetector", "2.2.1"),
    ("aws.greengrass.clientdevices.mqtt.Bridge", "2.3.2"),
    ("aws.greengrass.clientdevices.mqtt.EMQX", "2.0.2"),
    ("aws.greengrass.clientdevices.mqtt.Moquette", "2.3.7"),
    ("aws.greengrass.crypto.Pkcs11Provider", "2.0.8"),
    ("aws.greengrass.telemetry.NucleusEmitter", "1.0.10"),
    // It brings the next trust policy of a device, by its configuration.
    ("gg-host.TrustPolicy", "1.0.0"),
];

/// Highest numbers that versions are looked for with, where the newest known one will not do.
const HIGHEST: [(u64, u64, u64); 3] = [(2, 30, 30), (1, 30, 30), (3, 30, 30)];

/// Whether it is one of them.
pub(super) fn is_one(name: &ComponentName) -> bool {
    newest(name).is_some()
}

fn newest(name: &ComponentName) -> Option<ComponentVersion> {
    let (_, version) = ALL.iter().find(|(known, _)| *known == name.as_ref())?;
    version.parse().ok()
}

/// The version of one that meets requirements: the device's own, the newest known one, or the highest.
pub(super) fn version(
    name: &ComponentName,
    own: Option<&ComponentVersion>,
    requirements: &[VersionRequirement],
) -> Option<ComponentVersion> {
    let newest = newest(name)?;
    let meets = |version: &ComponentVersion| VersionRequirement::all_match(requirements, version);
    let known = own.cloned().into_iter().chain([newest]);
    let made = HIGHEST.into_iter().flat_map(|(major, minors, patches)| {
        let numbers = (0..=minors).rev().flat_map(move |minor| {
            (0..=patches).rev().map(move |patch| format!("{major}.{minor}.{patch}"))
        });
        numbers.filter_map(|text| text.parse().ok())
    });
    known.chain(made).find(meets)
}

/// When Greengrass V2 came out, in seconds since the Unix epoch, which is as good as any time.
const CREATED: u64 = 1_607_990_400;

/// A version of one, as components are kept; the newest known one if none is said.
pub(super) fn component(
    name: &ComponentName,
    version: Option<&ComponentVersion>,
) -> Option<Component> {
    let version = newest(name).map(|newest| version.cloned().unwrap_or(newest))?;
    let attributes = BTreeMap::from([("os".to_owned(), "*".to_owned())]);
    Some(Component {
        recipe: recipe(name, &version),
        name: name.clone(),
        version,
        description: Some(DESCRIPTION.to_owned()),
        publisher: Some(PUBLISHER.to_owned()),
        platforms: vec![Platform { name: None, attributes }],
        created: Time::from_seconds(CREATED),
        artifacts: BTreeMap::new(),
        is_public: true,
        request: None,
    })
}

/// Their names, in order.
pub(super) fn names() -> impl Iterator<Item = ComponentName> {
    ALL.iter().filter_map(|(name, _)| name.parse().ok())
}

fn recipe(name: &ComponentName, version: &ComponentVersion) -> Value {
    let kind = match name.as_ref() {
        "aws.greengrass.Nucleus" => "aws.greengrass.nucleus",
        _ => "aws.greengrass.generic",
    };
    json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": version,
        "ComponentType": kind,
        "ComponentDescription": DESCRIPTION,
        "ComponentPublisher": PUBLISHER,
        "Manifests": [{ "Platform": { "os": "*" }, "Lifecycle": {} }],
    })
}
