//! `gg-host provision`: a device is set up by one command, from what gg-cloud hands out, from a
//! configuration of Greengrass, or with a claim.

use crate::broker::{Authority, Valid};
use crate::cloud_loop::Cloud;
use crate::device::Device;
use crate::host::{command, file, finish, folder};
use gg_model::{NucleusFile, NucleusSettings};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const FILES: [&str; 4] = ["config.yaml", "device.pem.crt", "private.pem.key", "AmazonRootCA1.pem"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_device_is_set_up_from_a_kit_and_seen_by_its_cloud() {
    let device = Device::new();
    let cloud = Cloud::start(&device.path("cloud"));
    let kit = cloud.kit(&device);
    let kit = kit.to_str().unwrap();
    let mut provision = command("provision");
    provision.args(["--kit", kit, "--root"]).arg(device.root());
    let outcome = finish(provision);
    let lines: Vec<_> = outcome.expect_code(0).events.iter().map(|event| &*event.line).collect();
    let root = device.root().display().to_string();
    assert!(lines[0].starts_with(&format!("Core is set up in {root}: config.yaml, ")), "{lines:?}");
    assert!(lines[1].ends_with(&format!("gg-host start --root {root}")), "{lines:?}");
    for name in FILES {
        assert_eq!(mode(&device.root().join(name)), 0o600, "{name}");
    }
    // What is there is kept, unless it is to be replaced.
    let key = fs::read(device.root().join("private.pem.key")).unwrap();
    let outcome = device.ask("provision", ["--kit", kit]);
    assert!(outcome.expect_code(1).stderr.contains("--replace"), "{outcome}");
    file(&device.root(), "private.pem.key", "spoilt");
    device.ask("provision", ["--kit", kit, "--replace"]).expect_code(0);
    assert_eq!(fs::read(device.root().join("private.pem.key")).unwrap(), key);

    let nucleus = device.start();
    assert_eq!(cloud.boto3(&["cores"]), json!({"Core": "HEALTHY"}));
    // Not under a nucleus that runs.
    let outcome = device.ask("provision", ["--kit", kit, "--replace"]);
    assert!(outcome.expect_code(1).stderr.contains("another nucleus"), "{outcome}");
    drop(nucleus);
}

#[test]
fn what_is_no_kit_leaves_nothing_behind() {
    let device = Device::new();
    for (name, content) in [("text", &b"no archive"[..]), ("empty", b""), ("zeros", &[0; 1024])] {
        let kit = file(&device.path(""), name, content);
        let outcome = device.ask("provision", ["--kit", kit.to_str().unwrap()]);
        assert!(outcome.expect_code(1).stderr.contains("it is no"), "{outcome}");
    }
    let outcome = device.ask("provision", ["--kit", "/none/of/them"]);
    assert!(outcome.expect_code(1).stderr.contains("/none/of/them"), "{outcome}");
    assert!(!device.root().exists());
    device.ask("provision", [] as [&str; 0]).expect_code(2);
}

#[test]
fn a_configuration_of_greengrass_is_taken_as_it_is() {
    let device = Device::new();
    let authority = Authority::new("devices");
    let place = folder();
    let [certificate, key] = authority.sign(place.path(), "device", "Core", Valid::Now);
    let text = |key: &Path| {
        format!(
            "---\n# As an installer wrote it.\nsystem:\n  certificateFilePath: \"{}\"\n  \
             privateKeyPath: \"{}\"\n  rootpath: \"/greengrass/v2\"\n  thingName: \"Core\"\n\
             services:\n  aws.greengrass.Nucleus:\n    componentType: \"NUCLEUS\"\n    \
             version: \"2.14.0\"\n    configuration:\n      awsRegion: \"eu-west-1\"\n      \
             iotDataEndpoint: \"abc-ats.iot.eu-west-1.amazonaws.com\"\n",
            certificate.display(),
            key.display()
        )
    };
    let path = file(&device.path(""), "theirs.yaml", text(&key));
    let path = path.to_str().unwrap();
    let outcome = device.ask("provision", ["--config", path]);
    assert_eq!(outcome.expect_code(0).answer()["thingName"], "Core");
    let written = fs::read_to_string(device.root().join("config.yaml")).unwrap();
    assert_eq!(written, text(&key));

    // A key of somebody else, and no cloud.
    let [_, other] = authority.sign(place.path(), "other", "Other", Valid::Now);
    fs::write(path, text(&other)).unwrap();
    let outcome = device.ask("provision", ["--init-config", path, "--replace"]);
    assert!(outcome.expect_code(1).stderr.contains("privateKeyPath"), "{outcome}");
    fs::write(path, text(&key).replace("iotDataEndpoint", "iotCredEndpoint")).unwrap();
    let outcome = device.ask("provision", ["--init-config", path, "--replace"]);
    assert!(outcome.expect_code(1).stderr.contains("iotDataEndpoint"), "{outcome}");
    assert_eq!(fs::read_to_string(device.root().join("config.yaml")).unwrap(), text(&key));
}

#[test]
fn a_claim_is_written_down_for_the_start() {
    let device = Device::new();
    let (authority, place) = (Authority::new("devices"), folder());
    let [certificate, key] = authority.sign(place.path(), "claim", "claim", Valid::Now);
    authority.write(place.path(), "roots");
    let roots = place.path().join("roots.pem");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (certificate, key, roots) = (path(&certificate), path(&key), path(&roots));
    let claim = ["--claim-certificate", &certificate, "--claim-key", &key, "--root-ca", &roots];
    let rest = [
        "--template",
        "fleet",
        "--endpoint",
        "gg.lan",
        "--mqtt-port",
        "443",
        "--parameter",
        "Serial=7",
        "--region",
        "eu-west-1",
    ];
    device.ask("provision", claim.iter().chain(&rest)).expect_code(0);
    let text = fs::read_to_string(device.root().join("config.yaml")).unwrap();
    let file = NucleusFile::parse(&text).unwrap();
    assert_eq!(file.warnings, []);
    let claim = file.claim.unwrap();
    assert_eq!((claim.template.as_str(), claim.endpoint.as_str()), ("fleet", "gg.lan"));
    assert_eq!((claim.port, &*claim.parameters["Serial"]), (Some(443), "7"));
    for path in [&claim.certificate, &claim.private_key, claim.root_ca.as_ref().unwrap()] {
        assert_eq!(mode(Path::new(path)), 0o600);
    }
    let settings = NucleusSettings::read_all(&file.configurations).unwrap();
    assert_eq!(settings.mqtt.port, Some(443));
    // A template alone is no claim.
    device.ask("provision", ["--template", "fleet"]).expect_code(2);
}
