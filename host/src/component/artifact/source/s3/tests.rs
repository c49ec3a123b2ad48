use super::*;
use crate::clock::Clock;
use crate::cloud::credentials::{Credentials, Source};
use crate::cloud::{CloudClock, Identity};
use crate::component::artifact::testing::{Scene, artifact, content};
use crate::component::artifact::{Fetcher, source::Bandwidth};
use crate::network::testing::{
    Head, Reply, Server, certificate_pem, ok, partial, status, trusting_client,
};
use crate::network::{Client, Patience, ProxySettings};
use gg_model::{ArtifactSettings, IdentityFiles, NucleusSettings};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const TAG: &str = "\"one\"";

/// A device with a role, and an S3 that answers as it is told.
struct Cloud {
    scene: Scene,
    server: Server,
    provider: Server,
    rate: Option<u64>,
}

impl Cloud {
    async fn new(answer: impl FnMut(usize, &Head) -> Reply + Send + 'static) -> Self {
        let given = r#"{"credentials": {"accessKeyId": "AKID", "secretAccessKey": "hunter2",
            "sessionToken": "session", "expiration": "2100-01-01T00:00:00Z"}}"#;
        Self::giving(ok("t", given.as_bytes()), answer).await
    }

    async fn giving(
        credentials: Vec<u8>,
        answer: impl FnMut(usize, &Head) -> Reply + Send + 'static,
    ) -> Self {
        let mut scene = Scene::new();
        scene.settings.retry.attempts = 3;
        let server = Server::start_tls(&scene.tasks, answer).await;
        let provider =
            Server::start_tls(&scene.tasks, move |_, _| Reply::Send(credentials.clone())).await;
        Self { scene, server, provider, rate: None }
    }

    async fn fetch(&self, uri: &str, body: Option<&[u8]>) -> Result<(), ArtifactError> {
        let sources: Vec<Box<dyn ArtifactSource>> = vec![Box::new(self.objects())];
        let tasks = self.scene.tasks.clone();
        let fetcher = Fetcher::new(tasks, sources, self.scene.settings.clone());
        fetcher.fetch(&[artifact(uri, body)], &self.scene.folders, None, None, &|_| {}).await
    }

    fn objects(&self) -> Objects {
        let roots = self.scene.outside("roots.pem", certificate_pem().as_bytes());
        let files = IdentityFiles {
            root_ca: Some(roots.to_str().unwrap().to_owned()),
            ..IdentityFiles::default()
        };
        let artifacts = ArtifactSettings {
            s3_endpoint: Some(format!("localhost:{}", self.server.port)),
            bytes_per_second: self.rate,
            ..ArtifactSettings::default()
        };
        let region = Some("eu-west-1".to_owned());
        let settings = NucleusSettings { artifacts, region, ..NucleusSettings::default() };
        let (_told, settings) = watch::channel(Arc::new(settings));
        let source = Source {
            endpoint: format!("localhost:{}", self.provider.port),
            role_alias: "Fleet".to_owned(),
            thing: "press".parse().unwrap(),
            identity: Identity::new(&files, 0),
            proxies: ProxySettings::default(),
            patience: None,
        };
        let clock = CloudClock::new(Clock::system());
        let (tasks, stop) = (self.scene.tasks.clone(), CancellationToken::new());
        let credentials = Credentials::new(source, settings.clone(), clock.clone(), tasks, stop);
        let s3 = S3::new(credentials, clock, settings.clone());
        let tls = trusting_client();
        let client = Client::new([tls.clone(), tls], ProxySettings::default(), Patience::default());
        let download = Download::new(client, Bandwidth::new(settings));
        Objects::new(Some((s3, download)))
    }
}

/// What S3 says that knows ranges and conditions.
fn serve(head: &Head, tag: &str, body: &[u8]) -> Vec<u8> {
    match (head.range(), head.header("if-match")) {
        (_, Some(wanted)) if wanted != tag => status(412, ""),
        (Some(from), Some(_)) if from < body.len() => partial(tag, body, from),
        (Some(_), Some(_)) => status(416, ""),
        _ => ok(tag, body),
    }
}

fn refusal(code: u16, headers: &str, text: &str) -> Vec<u8> {
    let mut answer = status(code, headers);
    let head = String::from_utf8(answer).unwrap();
    answer = head.replace("Content-Length: 0", &format!("Content-Length: {}", text.len())).into();
    answer.extend_from_slice(text.as_bytes());
    answer
}

#[tokio::test]
async fn an_object_is_asked_for_as_the_role_of_the_device() {
    let cloud = Cloud::new(|_, head| Reply::Send(serve(head, TAG, b"mine"))).await;
    cloud.fetch("s3://press/a b/model.bin", Some(b"mine")).await.unwrap();
    assert_eq!(cloud.scene.file("model.bin").unwrap(), b"mine");
    let asked = &cloud.server.requests()[0];
    assert_eq!(asked.line(), "GET /press/a%20b/model.bin HTTP/1.1");
    assert_eq!(asked.header("x-amz-security-token"), Some("session"));
    let authorization = asked.header("authorization").unwrap();
    assert!(authorization.contains("Credential=AKID/"), "{authorization}");
    assert!(authorization.contains("/eu-west-1/s3/aws4_request"), "{authorization}");
    assert_eq!(cloud.provider.requests()[0].line(), "GET /role-aliases/Fleet/credentials HTTP/1.1");
}

#[tokio::test]
async fn an_object_is_continued_while_it_is_the_same() {
    let body = content(600_000);
    let sent = body.clone();
    let cloud = Cloud::new(move |number, head| match number {
        0 => {
            let mut whole = ok(TAG, &sent);
            whole.truncate(whole.len() - 200_000);
            Reply::Send(whole)
        }
        _ => Reply::Send(serve(head, TAG, &sent)),
    })
    .await;
    cloud.fetch("s3://press/a", Some(&body)).await.unwrap();
    let requests = cloud.server.requests();
    assert_eq!((requests.len(), requests[1].header("if-match")), (2, Some(TAG)));
    assert!(requests[1].range().is_some_and(|from| from > 0));
    assert_eq!(cloud.scene.file("a").unwrap(), body);
}

#[tokio::test]
async fn an_object_that_was_replaced_is_brought_from_its_beginning() {
    let (old, body) = (content(600_000), content(500_000).split_off(1));
    let sent = body.clone();
    let cloud = Cloud::new(move |number, head| match number {
        0 => {
            let mut whole = ok(TAG, &old);
            whole.truncate(whole.len() - 200_000);
            Reply::Send(whole)
        }
        _ => Reply::Send(serve(head, "\"two\"", &sent)),
    })
    .await;
    cloud.fetch("s3://press/a", Some(&body)).await.unwrap();
    assert_eq!(cloud.server.requests().len(), 3);
    assert_eq!(cloud.scene.file("a").unwrap(), body);
}

#[tokio::test]
async fn the_region_of_a_bucket_is_learnt_once() {
    let malformed =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>";
    for (code, headers, text) in [
        (301, "x-amz-bucket-region: us-west-2\r\nLocation: https://evil.test/\r\n", ""),
        (400, "", malformed),
    ] {
        let cloud = Cloud::new(move |_, head| {
            let signed = head.header("authorization").unwrap_or_default();
            Reply::Send(match signed.contains("/us-west-2/s3/") {
                true => serve(head, TAG, b"mine"),
                false => refusal(code, headers, text),
            })
        })
        .await;
        cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap();
        assert_eq!(cloud.server.requests().len(), 2);
    }
}

#[tokio::test]
async fn an_s3_that_names_one_region_after_another_is_given_up() {
    let cloud = Cloud::new(|number, _| {
        Reply::Send(status(301, &format!("x-amz-bucket-region: region-{number}\r\n")))
    })
    .await;
    let error = cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap_err();
    assert_eq!((error.code(), cloud.server.requests().len()), ("S3_BAD_REQUEST", 2), "{error}");
}

#[tokio::test]
async fn what_s3_refuses_is_asked_for_once_and_told_with_role_and_bucket() {
    for (code, text, expected, words) in [
        (
            403,
            "<Error><Code>AccessDenied</Code></Error>",
            "S3_GET_OBJECT_ACCESS_DENIED",
            "AccessDenied",
        ),
        (403, "", "S3_GET_OBJECT_ACCESS_DENIED", "role alias Fleet"),
        (404, "<Code>NoSuchBucket</Code>", "S3_GET_OBJECT_RESOURCE_NOT_FOUND", "the bucket press"),
        (400, "\u{0}<Code>\u{7}</Code>", "S3_BAD_REQUEST", "S3 answers 400"),
    ] {
        let cloud = Cloud::new(move |_, _| Reply::Send(refusal(code, "", text))).await;
        let error = cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap_err();
        assert_eq!((error.code(), cloud.server.requests().len()), (expected, 1), "{error}");
        let said = error.to_string();
        assert!(said.contains(words) && !said.contains("session"), "{said}");
    }
}

#[tokio::test]
async fn an_s3_that_is_busy_is_asked_again() {
    let cloud = Cloud::new(|number, head| {
        Reply::Send(if number == 0 { status(503, "") } else { serve(head, TAG, b"mine") })
    })
    .await;
    cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap();
    assert_eq!(cloud.server.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_without_an_end_is_given_up() {
    let cloud = Cloud::new(|_, _| {
        Reply::Endless(b"HTTP/1.1 403 No\r\nConnection: close\r\n\r\n<Code>".to_vec())
    })
    .await;
    let error = cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap_err();
    assert_eq!(error.code(), "S3_GET_OBJECT_ACCESS_DENIED", "{error}");
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let cloud = Cloud::giving(status(403, ""), |_, _| Reply::Send(ok(TAG, b"mine"))).await;
    let error = cloud.fetch("s3://press/a", Some(b"mine")).await.unwrap_err();
    assert_eq!(error.code(), "CREDENTIAL_ENDPOINT_AUTH_FAILURE", "{error}");
    assert!(error.to_string().contains("role alias Fleet"), "{error}");
    assert!(cloud.server.requests().is_empty());
}

#[tokio::test]
async fn a_device_without_a_role_is_told_what_to_set() {
    let scene = Scene::new();
    let (tasks, sources) = (scene.tasks.clone(), Box::new(Objects::new(None)));
    let fetcher = Fetcher::new(tasks, vec![sources], scene.settings.clone());
    let wanted = [artifact("s3://press/a", Some(b"x"))];
    let error = fetcher.fetch(&wanted, &scene.folders, None, None, &|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD");
    assert!(error.to_string().contains("iotRoleAlias"), "{error}");
    let asked = Asked { uri: "s3://press/a", pinned: true, version: None };
    let evidence = Objects::new(None).evidence(asked, gg_trust::Digest::of(b"")).await.unwrap();
    assert!(evidence.signatures.is_empty(), "nobody can be asked");
}

#[tokio::test]
async fn downloads_are_no_faster_than_is_said() {
    let body = content(30_000);
    let sent = body.clone();
    let mut cloud = Cloud::new(move |_, head| Reply::Send(serve(head, TAG, &sent))).await;
    cloud.rate = Some(100_000);
    let begin = std::time::Instant::now();
    cloud.fetch("s3://press/a", Some(&body)).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(250), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn signatures_lie_beside_an_object() {
    let cloud = Cloud::new(|_, head| {
        Reply::Send(match head.line() {
            line if line.starts_with("GET /press/a.sigstore.json ") => ok(TAG, b"no signature"),
            line if line.contains(".sigstore") => status(404, ""),
            _ => status(403, ""),
        })
    })
    .await;
    let objects = cloud.objects();
    let asked = Asked { uri: "s3://press/a", pinned: true, version: None };
    let evidence = objects.evidence(asked, gg_trust::Digest::of(b"")).await.unwrap();
    assert_eq!((evidence.manifest, evidence.signatures.len()), (None, 1));
    assert!(evidence.signatures[0].is_err(), "it says so where it is none");
    assert_eq!(cloud.server.requests().len(), SUFFIXES.len());
}
