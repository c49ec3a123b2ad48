//! How a nucleus gets the artifacts of components, as it is told in its settings.

use crate::device::Device;
use crate::host::{file, guest};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::thread;

const NAME: &str = "com.example.Fetched";

fn recipe(uri: &str) -> String {
    let digest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    format!(
        "Manifests:\n  - Platform: {{runtime: '*'}}\n    Lifecycle: {{run: 'true'}}\n    Artifacts:\n      \
         - {{URI: '{uri}', Digest: '{digest}', Algorithm: SHA-256}}\n"
    )
}

#[test]
fn files_come_by_way_of_the_proxy_of_the_settings() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let device = Device::new();
    device.settings(&format!(
        "networkProxy: {{proxy: {{url: '{url}', username: me, password: 'a b'}}}}"
    ));
    let _nucleus = device.start();
    device.recipe(NAME, "1.0.0", &recipe("https://files.test/model.bin"));
    let asked = thread::spawn(move || {
        let (stream, _) = proxy.accept().unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>()
    });
    device.queue(["--merge", "com.example.Fetched=1.0.0"]).expect_code(0);
    let head = asked.join().unwrap();
    assert_eq!(head[0], "CONNECT files.test:443 HTTP/1.1");
    let authorization = |line: &&String| line.to_lowercase().starts_with("proxy-authorization:");
    let found = head.iter().find(authorization).unwrap();
    assert!(found.ends_with("Basic bWU6YSBi"), "{found}");
}

#[test]
fn the_component_store_is_kept_within_its_size() {
    let device = Device::new();
    device.settings("componentStoreMaxSizeBytes: 100000");
    let _nucleus = device.start();
    let large = file(&device.path(""), "large.bin", vec![0; 200_000]);
    device.recipe(NAME, "1.0.0", &recipe(&format!("file://{}", large.display())));
    let outcome = device.deploy(["--merge", "com.example.Fetched=1.0.0"]);
    let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
    assert_eq!(detail["detailedStatus"], "FAILED_NO_STATE_CHANGE");
    let cause = detail["failureCause"].as_str().unwrap();
    assert!(cause.contains("componentStoreMaxSizeBytes"), "{cause}");
}

#[test]
fn files_that_another_manifest_needs_come_when_the_device_has_become_another() {
    let device = Device::new();
    device.settings("");
    let start = |site: &str| {
        device.start_as(|command| {
            command.args(["--platform", &format!("site={site}")]);
        })
    };
    let nucleus = start("home");
    let uri = |name: &str| format!("file://{}", guest(name).canonicalize().unwrap().display());
    let manifest = |site: &str, name: &str| {
        format!(
            "  - Platform: {{runtime: wasm, site: {site}}}\n    Lifecycle: {{run: \"{{artifacts:path}}/{name}.wasm\"}}\n    \
             Artifacts: [{{URI: '{}'}}]\n",
            uri(name)
        )
    };
    let manifests = manifest("home", "says") + &manifest("field", "waits");
    let access = "ComponentConfiguration: {DefaultConfiguration: {accessControl: {aws.greengrass.ipc.pubsub: \
                  {a: {operations: ['*'], resources: ['waits/#']}}}}}\n";
    device.recipe(NAME, "1.0.0", &format!("{access}Manifests:\n{manifests}"));
    device.deploy(["--merge", "com.example.Fetched=1.0.0"]).expect_code(0);
    drop(nucleus);
    let mut nucleus = start("field");
    nucleus.wait_until_said(NAME, "waiting");
}
