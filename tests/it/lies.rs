//! A data plane that lies: what it says is refused with its reason, and what runs goes on.

use crate::broker::{Authority, Valid};
use crate::device::Device;
use crate::host::file;
use crate::tls::tls;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const NAME: &str = "com.example.Absent";

/// Says the same to whoever asks, over TLS.
struct Plane {
    port: u16,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Plane {
    async fn start(server: rustls::ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, acceptor) =
            (Arc::<Mutex<Vec<u8>>>::default(), TlsAcceptor::from(Arc::new(server)));
        let said = Arc::clone(&answer);
        #[expect(
            clippy::disallowed_methods,
            reason = "there is no host here whose end it would outlive"
        )]
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
                while !is_whole(&asked) {
                    match stream.read(&mut piece).await {
                        Ok(count) if count > 0 => asked.extend_from_slice(&piece[..count]),
                        _ => break,
                    }
                }
                let said = said.lock().unwrap().clone();
                let _gone = stream.write_all(&said).await;
                let _gone = stream.shutdown().await;
            }
        });
        Self { port, answer }
    }

    fn say(&self, status: &str, body: &[u8]) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        *self.answer.lock().unwrap() = [head.as_bytes(), body].concat();
    }
}

/// Whether a request is here with all of its body.
fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn recipe(name: &str, version: &str) -> String {
    json!({
        "RecipeFormatVersion": "2020-01-25", "ComponentName": name, "ComponentVersion": version,
        "Manifests": [{ "Platform": { "os": "linux" }, "Lifecycle": { "run": "sleep 1000" } }],
    })
    .to_string()
}

fn resolved(recipe: &str) -> Value {
    json!({
        "arn": "arn:aws:greengrass:eu-west-1:1:components:com.example.Absent:versions:1.0.0",
        "componentName": NAME, "componentVersion": "1.0.0",
        "recipe": BASE64_STANDARD.encode(recipe),
    })
}

fn versions(all: &[Value]) -> Vec<u8> {
    json!({ "resolvedComponentVersions": all }).to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_data_plane_says_that_was_not_asked_for_is_refused() {
    let device = Device::new();
    let authority = Authority::new("lying");
    let folder = device.path("");
    let plane = Plane::start(tls(
        authority.sign(&folder, "server", "localhost", Valid::Now),
        Some(&authority),
    ))
    .await;
    let [certificate, key] = authority.sign(&folder, "device", "Core", Valid::Now);
    let root = authority.write(&folder, "ca");
    let nucleus = json!({ "greengrassDataPlaneEndpoint": "localhost",
        "greengrassDataPlanePort": plane.port, "runWithDefault": { "posixUser": "root" } });
    let system = json!({ "thingName": "Core", "certificateFilePath": certificate,
        "privateKeyPath": key, "rootCaPath": root });
    let services = json!({ "aws.greengrass.Nucleus": { "configuration": nucleus } });
    fs::create_dir(device.root()).unwrap();
    file(
        &device.root(),
        "config.yaml",
        json!({ "system": system, "services": services }).to_string(),
    );
    let _nucleus = device.start();
    device.recipe(
        "com.example.Here",
        "1.0.0",
        "Manifests: [{Platform: {os: linux}, Lifecycle: {run: sleep 1000}}]\n",
    );
    device.deploy(["--merge", "com.example.Here=1.0.0"]).expect_code(0);

    let right = recipe(NAME, "1.0.0");
    let huge = vec![b' '; 5 << 20];
    for (status, body, words) in [
        (
            "200 OK",
            versions(&[resolved(&recipe("com.example.Other", "1.0.0"))]),
            "is of com.example.Other",
        ),
        ("200 OK", versions(&[resolved(&recipe(NAME, "2.0.0"))]), "of the version 2.0.0"),
        (
            "200 OK",
            versions(&[resolved(&right), resolved(&right)]),
            "2 versions where one was asked for",
        ),
        ("200 OK", versions(&[]), "0 versions where one was asked for"),
        ("200 OK", versions(&[resolved("ComponentName: [")]), "is none"),
        ("200 OK", versions(&[json!({ "arn": "a", "recipe": "not base64!" })]), NAME),
        ("200 OK", b"<html>".to_vec(), NAME),
        ("200 OK", huge, "too long"),
        ("403 Forbidden", b"no".to_vec(), "403"),
    ] {
        plane.say(status, &body);
        let outcome = device.deploy(["--merge", "com.example.Absent=1.0.0"]);
        let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
        assert_eq!(detail["detailedStatus"], "FAILED_NO_STATE_CHANGE", "{detail}");
        let cause = detail["failureCause"].as_str().unwrap();
        assert!(cause.contains(NAME) && cause.contains(words), "no {words:?} in {cause}");
        assert_eq!(device.components(), ["com.example.Here 1.0.0 RUNNING"]);
    }
    plane.say("200 OK", &versions(&[resolved(&right)]));
    device.deploy(["--merge", "com.example.Absent=1.0.0"]).expect_code(0);
}
