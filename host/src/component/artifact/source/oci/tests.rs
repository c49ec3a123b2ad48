use super::*;
use crate::component::artifact::Fetcher;
use crate::component::artifact::source::Bandwidth;
use crate::component::artifact::testing::{Scene, artifact, content};
use crate::network::testing::{Head, Reply, Server, ok, partial, status, trusting_client};
use crate::network::{Client, Patience, ProxySettings};
use gg_model::ArtifactSettings;
use serde_json::json;
use sha2::Digest as _;

/// A registry that does what it is told, and who downloads from it.
struct Hub {
    scene: Scene,
    server: Server,
    docker_config: Option<String>,
}

impl Hub {
    async fn new(answer: impl FnMut(usize, &Head) -> Reply + Send + 'static) -> Self {
        let mut scene = Scene::new();
        scene.settings.retry.attempts = 2;
        let server = Server::start(&scene.tasks, answer).await;
        Self { scene, server, docker_config: None }
    }

    /// A registry that has one file.
    async fn with(body: &[u8]) -> Self {
        let (manifest, body) = (manifest(body), body.to_vec());
        Self::new(move |_, head| Reply::Send(serve(head, &manifest, &body))).await
    }

    fn registries(&self) -> Registries {
        let artifacts = ArtifactSettings {
            docker_config: self.docker_config.clone(),
            ..ArtifactSettings::default()
        };
        let settings = NucleusSettings { artifacts, ..NucleusSettings::default() };
        let settings = watch::channel(Arc::new(settings)).1;
        let tls = trusting_client();
        let client = Client::new([tls.clone(), tls], ProxySettings::default(), Patience::default());
        let download = Download::new(client, Bandwidth::unlimited());
        Registries::new(download, self.scene.tasks.clone(), settings)
    }

    fn uri(&self, rest: &str) -> String {
        format!("oci://127.0.0.1:{}/{rest}", self.server.port)
    }

    async fn fetch(&self, rest: &str, body: Option<&[u8]>) -> Result<(), ArtifactError> {
        self.fetch_uri(&self.uri(rest), body).await
    }

    async fn fetch_uri(&self, uri: &str, body: Option<&[u8]>) -> Result<(), ArtifactError> {
        let sources: Vec<Box<dyn ArtifactSource>> = vec![Box::new(self.registries())];
        let tasks = self.scene.tasks.clone();
        let fetcher = Fetcher::new(tasks, sources, self.scene.settings.clone());
        fetcher.fetch(&[artifact(uri, body)], &self.scene.folders, None, None, &|_| {}).await
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(&sha2::Sha256::digest(bytes)))
}

fn manifest(body: &[u8]) -> Vec<u8> {
    let layer = json!({
        "mediaType": "application/wasm", "digest": digest(body), "size": body.len(),
    });
    let config = json!({"mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string().into_bytes()
}

/// What a registry says that has one manifest and one blob, and knows ranges.
fn serve(head: &Head, manifest: &[u8], body: &[u8]) -> Vec<u8> {
    let (manifest_of, blob_of) = (digest(manifest), digest(body));
    let path = head.line().split(' ').nth(1).unwrap().to_owned();
    if path == "/v2/me/filter/manifests/1" || path.ends_with(&manifest_of) {
        ok("\"m\"", manifest)
    } else if path.ends_with(&blob_of) {
        match head.range() {
            Some(from) if from < body.len() => partial("\"b\"", body, from),
            Some(_) => status(416, ""),
            None => ok("\"b\"", body),
        }
    } else {
        status(404, "")
    }
}

#[tokio::test]
async fn an_artifact_is_pulled_by_its_tag_and_named_after_its_repository() {
    let hub = Hub::with(b"mine").await;
    hub.fetch("me/filter:1", Some(b"mine")).await.unwrap();
    assert_eq!(hub.scene.file("filter.wasm").unwrap(), b"mine");
    let requests = hub.server.requests();
    assert_eq!(requests[0].line(), "GET /v2/me/filter/manifests/1 HTTP/1.1");
    assert!(requests[0].header("accept").unwrap().contains("oci.image.manifest"));
    assert_eq!(requests[0].header("authorization"), None);
    hub.fetch("me/filter:1#named.bin", Some(b"mine")).await.unwrap();
    assert_eq!(hub.scene.file("named.bin").unwrap(), b"mine");
}

#[tokio::test]
async fn a_digest_in_the_uri_says_what_the_manifest_is() {
    let hub = Hub::with(b"mine").await;
    let named = digest(&manifest(b"mine"));
    hub.fetch(&format!("me/filter@{named}"), None).await.unwrap();
    assert_eq!(hub.scene.file("filter.wasm").unwrap(), b"mine");
    // Another than was asked for.
    let evil = manifest(b"evil");
    let hub = Hub::new(move |_, _| Reply::Send(ok("\"m\"", &evil))).await;
    let error = hub.fetch(&format!("me/filter@{named}"), None).await.unwrap_err();
    let is_other =
        matches!(&error, ArtifactError::Registry { error: RegistryError::OtherManifest, .. });
    assert!(is_other && hub.server.requests().len() == 1, "{error}");
}

#[tokio::test]
async fn a_tag_without_a_digest_in_the_recipe_is_for_this_machine_alone() {
    let hub = Hub::with(b"mine").await;
    hub.fetch("me/filter:1", None).await.unwrap();
    let hub = Hub::with(b"mine").await;
    let error = hub.fetch_uri("oci://r.test/me/filter:1", None).await.unwrap_err();
    assert!(matches!(error, ArtifactError::NoDigest { .. }), "{error}");
}

#[tokio::test]
async fn a_blob_is_continued_and_is_what_its_digest_says() {
    let body = content(600_000);
    let (manifest, sent) = (manifest(&body), body.clone());
    let hub = Hub::new(move |number, head| {
        let mut answer = serve(head, &manifest, &sent);
        if number == 1 {
            answer.truncate(answer.len() - 200_000);
        }
        Reply::Send(answer)
    })
    .await;
    hub.fetch("me/filter:1", None).await.unwrap();
    assert!(hub.server.requests()[3].range().is_some_and(|from| from > 0));
    assert_eq!(hub.scene.file("filter.wasm").unwrap(), body);
}

#[tokio::test]
async fn a_blob_that_is_another_is_refused() {
    let manifest = manifest(b"good");
    let hub = Hub::new(move |_, head| {
        Reply::Send(match head.line().contains("/blobs/") {
            true => ok("\"b\"", b"evil"),
            false => serve(head, &manifest, b""),
        })
    })
    .await;
    let error = hub.fetch("me/filter:1", None).await.unwrap_err();
    assert_eq!(error.code(), "ARTIFACT_CHECKSUM_MISMATCH", "{error}");
    assert!(hub.scene.file("filter.wasm").is_none());
}

/// A registry that gives what it has to who shows a token, and the server that gives tokens, one.
async fn with_tokens(
    body: &'static [u8],
    challenge: &'static str,
    token: fn(&Head) -> Vec<u8>,
) -> Hub {
    let manifest = manifest(body);
    Hub::new(move |_, head| {
        let port = head.header("host").unwrap().rsplit(':').next().unwrap();
        Reply::Send(match head.header("authorization") {
            _ if head.line().starts_with("GET /token?") => token(head),
            Some("Bearer t0ken" | "Basic bWU6d29yZA==") => serve(head, &manifest, body),
            _ => status(401, &format!("WWW-Authenticate: {}\r\n", challenge.replace("PORT", port))),
        })
    })
    .await
}

const BEARER: &str =
    r#"Bearer realm="http://127.0.0.1:PORT/token",service="a b",scope="repository:me/filter:pull""#;

#[tokio::test]
async fn a_registry_that_wants_a_token_is_shown_one() {
    let hub = with_tokens(b"mine", BEARER, |_| ok("\"t\"", br#"{"access_token": "t0ken"}"#)).await;
    hub.fetch("me/filter:1", Some(b"mine")).await.unwrap();
    let lines: Vec<_> = hub.server.requests().iter().map(|head| head.line().to_owned()).collect();
    let scope = "scope=repository%3Ame%2Ffilter%3Apull&service=a%20b";
    assert_eq!(lines[1], format!("GET /token?{scope} HTTP/1.1"));
    assert_eq!(lines.len(), 4, "one token is enough: {lines:?}");
}

#[tokio::test]
async fn a_name_and_a_password_come_from_a_file_as_docker_writes_it() {
    let token = |head: &Head| match head.header("authorization") {
        Some("Basic bWU6d29yZA==") => ok("\"t\"", br#"{"token": "t0ken"}"#),
        _ => status(401, ""),
    };
    for challenge in [BEARER, "Basic realm=\"x\""] {
        let mut hub = with_tokens(b"mine", challenge, token).await;
        let error = hub.fetch("me/filter:1", Some(b"mine")).await.unwrap_err();
        assert_eq!(error.code(), "ACCESS_DENIED", "{error}");
        assert!(error.to_string().contains("artifacts.dockerConfig"), "{error}");
        let registry = format!("127.0.0.1:{}", hub.server.port);
        let config = json!({"auths": {registry: {"auth": "bWU6d29yZA=="}}}).to_string();
        let path = hub.scene.outside("config.json", config.as_bytes());
        hub.docker_config = Some(path.to_str().unwrap().to_owned());
        hub.fetch("me/filter:1", Some(b"mine")).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_of_passwords_that_is_of_no_use_is_named() {
    let mut hub = with_tokens(b"mine", BEARER, |_| status(401, "")).await;
    for (name, text) in [("none.json", None), ("bad.json", Some("hunter2"))] {
        let path = hub.scene.folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        hub.docker_config = Some(path.to_str().unwrap().to_owned());
        let error = hub.fetch("me/filter:1", Some(b"mine")).await.unwrap_err();
        assert_eq!(error.code(), "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD", "{error}");
        let said = error.to_string();
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn what_gives_no_token_is_named() {
    let long = |_: &Head| ok("\"t\"", &vec![b' '; 100_000]);
    for (challenge, token) in [
        (BEARER, (|_| ok("\"t\"", b"{}")) as fn(&Head) -> Vec<u8>),
        (BEARER, |_| ok("\"t\"", b"\0")),
        (BEARER, |_| ok("\"t\"", br#"{"token": "a\nb"}"#)),
        (BEARER, |_| status(404, "")),
        (BEARER, long),
        (r#"Bearer realm="http://files.test/token""#, long),
        (r#"Bearer realm="ftp://127.0.0.1/token""#, long),
        (r#"Digest realm="x""#, long),
    ] {
        let hub = with_tokens(b"mine", challenge, token).await;
        let error = hub.fetch("me/filter:1", Some(b"mine")).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Registry { .. }), "{challenge}: {error}");
    }
}

#[tokio::test]
async fn a_token_goes_to_nobody_else() {
    let elsewhere = Scene::new();
    let store = Server::start(&elsewhere.tasks, |_, _| Reply::Send(ok("\"b\"", b"mine"))).await;
    let place = store.uri("/blob?signature=1");
    let manifest = manifest(b"mine");
    let hub = Hub::new(move |_, head| {
        let port = head.header("host").unwrap().rsplit(':').next().unwrap().to_owned();
        let blob = head.line().contains("/blobs/");
        Reply::Send(match head.header("authorization") {
            _ if head.line().starts_with("GET /token?") => ok("\"t\"", br#"{"token": "t0ken"}"#),
            Some("Bearer t0ken") if blob => status(307, &format!("Location: {place}\r\n")),
            Some("Bearer t0ken") => serve(head, &manifest, b""),
            _ => status(401, &format!("WWW-Authenticate: {}\r\n", BEARER.replace("PORT", &port))),
        })
    })
    .await;
    hub.fetch("me/filter:1", Some(b"mine")).await.unwrap();
    assert_eq!(hub.scene.file("filter.wasm").unwrap(), b"mine");
    assert_eq!(store.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn redirects_into_the_clear_and_in_circles_end() {
    let hub = Hub::new(|_, _| Reply::Send(status(307, "Location: http://files.test/x\r\n"))).await;
    let error = hub.fetch("me/filter:1", Some(b"x")).await.unwrap_err();
    assert!(error.to_string().contains("not https:"), "{error}");
    let hub = Hub::new(|_, _| Reply::Send(status(302, "Location: /v2/a\r\n"))).await;
    let error = hub.fetch("me/filter:1", Some(b"x")).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Redirects { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_artifact_is_refused() {
    let index = json!({"manifests": []}).to_string().into_bytes();
    for (answer, words) in [
        (ok("\"m\"", &index), "several platforms"),
        (ok("\"m\"", b"<html>"), "no manifest"),
        (ok("\"m\"", &vec![b' '; manifest::LARGEST + 1]), "longer than 4 MiB"),
        (status(404, ""), "no such repository"),
        (status(403, ""), "artifacts.dockerConfig"),
    ] {
        let hub = Hub::new(move |_, _| Reply::Send(answer.clone())).await;
        let error = hub.fetch("me/filter:1", Some(b"x")).await.unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert_eq!(hub.server.requests().len(), 1);
    }
    let hub =
        Hub::new(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec()))
            .await;
    let error = hub.fetch("me/filter:1", Some(b"x")).await.unwrap_err();
    assert!(error.to_string().contains("longer than 4 MiB"), "{error}");
}

#[tokio::test]
async fn signatures_are_of_the_manifest_that_says_what_the_file_is() {
    let hub = Hub::with(b"mine").await;
    let registries = hub.registries();
    let uri = hub.uri("me/filter:1");
    let asked = Asked { uri: &uri, pinned: true, version: None };
    let evidence = registries.evidence(asked, gg_trust::Digest::of(b"mine")).await.unwrap();
    assert_eq!(evidence.manifest, Some(gg_trust::Digest::of(&manifest(b"mine"))));
    assert!(evidence.signatures.is_empty());
    let other = registries.evidence(asked, gg_trust::Digest::of(b"other")).await.unwrap();
    assert_eq!(other.manifest, None);
}
