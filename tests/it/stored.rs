//! Artifacts of S3: fetched from gg-cloud as the role of the device, for a component that no cloud has
//! ever heard of.

use crate::cloud_loop::Cloud;
use crate::device::Device;
use crate::host::{file, sample};
use gg_host::component::artifact::Digest;
use std::fs;

const NAME: &str = "com.example.Stored";

/// A component whose file is an object.
fn recipe(uri: &str, digest: Digest) -> String {
    format!(
        "ComponentConfiguration: {{DefaultConfiguration: {{accessControl: \
         {{aws.greengrass.ipc.pubsub: {{a: {{operations: ['*'], resources: ['*']}}}}}}}}}}\n\
         Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/sensor.wasm'}}\n    \
         Artifacts:\n      - {{URI: '{uri}', Digest: '{digest}', Algorithm: SHA-256}}\n"
    )
}

#[test]
fn an_object_comes_as_the_role_of_the_device_and_goes_on_where_it_broke_off() {
    let device = Device::new();
    let cloud = Cloud::start(&device.path("cloud"));
    cloud.enrol(&device);
    let bytes = fs::read(sample("sensor")).unwrap();
    let digest = Digest::of_file(&mut bytes.as_slice()).unwrap();
    let path = sample("sensor");
    let put = cloud.boto3(&["put", "a b/sensor.wasm", path.to_str().unwrap()]);
    let uri = "s3://artifacts/a b/sensor.wasm";

    // What an earlier nucleus had of it.
    let folder = device.root().join("packages/artifacts").join(NAME).join("1.0.0");
    fs::create_dir_all(&folder).unwrap();
    file(&folder, ".new-sensor.wasm", &bytes[..bytes.len() / 2]);
    file(&folder, ".from-sensor.wasm", format!("{uri}\n{}\n", put["tag"].as_str().unwrap()));
    let nucleus = device.start();
    device.recipe(NAME, "1.0.0", &recipe(uri, digest));
    device.deploy(["--merge", "com.example.Stored=1.0.0"]).expect_code(0);
    assert_eq!(device.components(), ["com.example.Stored 1.0.0 RUNNING"]);
    assert_eq!(fs::read(folder.join("sensor.wasm")).unwrap(), bytes);

    device.recipe(NAME, "1.0.1", &recipe("s3://artifacts/none/sensor.wasm", digest));
    let outcome = device.deploy(["--merge", "com.example.Stored=1.0.1"]);
    let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
    let cause = detail["failureCause"].as_str().unwrap();
    assert!(cause.contains("NoSuchKey") && cause.contains("the bucket artifacts"), "{cause}");
    let stack = detail["errorStack"].to_string();
    assert!(stack.contains("S3_GET_OBJECT_RESOURCE_NOT_FOUND"), "{stack}");
    assert_eq!(device.components(), ["com.example.Stored 1.0.0 RUNNING"]);
    drop(nucleus);
}

#[test]
fn a_device_without_a_role_is_told_what_it_takes() {
    let device = Device::new();
    device.settings("");
    let _nucleus = device.start();
    let digest = Digest::of_file(&mut &b""[..]).unwrap();
    device.recipe(NAME, "1.0.0", &recipe("s3://artifacts/sensor.wasm", digest));
    let outcome = device.deploy(["--merge", "com.example.Stored=1.0.0"]);
    let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
    assert!(detail["failureCause"].as_str().unwrap().contains("iotRoleAlias"), "{detail}");
}
