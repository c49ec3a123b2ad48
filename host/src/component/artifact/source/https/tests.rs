use super::*;
use crate::component::artifact::testing::{Scene, artifact, content};
use crate::network::NetworkFault;
use crate::network::testing::{Reply, Server, ok, partial, proxy, serve, status};
use crate::network::{Patience, ProxySettings};
use std::fs;

const TAG: &str = "\"one\"";

/// An answer whose body breaks off.
fn cut(mut answer: Vec<u8>, missing: usize) -> Reply {
    answer.truncate(answer.len() - missing);
    Reply::Send(answer)
}

#[tokio::test]
async fn without_a_digest_nothing_is_downloaded_from_another_machine() {
    let scene = Scene::new();
    for uri in ["https://files.example.com/a", "http://192.0.2.1/a", "https://127.0.0.1.nip.io/a"] {
        let error = scene.fetch(&[artifact(uri, None)]).await.unwrap_err();
        assert_eq!(error.code(), "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM", "{uri}: {error}");
    }
    let server = Server::start(&scene.tasks, |_, _| {
        Reply::Send(status(302, "Location: http://192.0.2.1/a\r\n"))
    });
    let error = scene.fetch(&[artifact(&server.await.uri("/a"), None)]).await.unwrap_err();
    assert_eq!(error.code(), "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM", "{error}");
}

#[tokio::test]
async fn without_a_digest_a_file_comes_from_this_machine() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| Reply::Send(ok(TAG, b"hello"))).await;
    scene.fetch(&[artifact(&server.uri("/a.txt?key=1"), None)]).await.unwrap();
    assert_eq!(scene.file("a.txt").unwrap(), b"hello");
    let request = &server.requests()[0];
    assert_eq!(request.line(), "GET /a.txt?key=1 HTTP/1.1");
    assert_eq!(request.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!(request.range(), None);
    // The URI may hold a secret, so that the note of it is for nobody else.
    let note = scene.folders.artifacts.join(".from-a.txt");
    assert!(fs::read_to_string(&note).unwrap().contains("/a.txt?key=1\n\"one\""));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(note).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_connection_that_breaks_is_continued_where_it_broke() {
    let scene = Scene::new();
    let body = content(1 << 20);
    let sent = body.clone();
    let server = Server::start(&scene.tasks, move |number, head| match number {
        0 => cut(ok(TAG, &sent), 300_000),
        1 => cut(partial(TAG, &sent, head.range().unwrap()), 100_000),
        _ => Reply::Send(serve(head, TAG, &sent)),
    })
    .await;
    scene.fetch(&[artifact(&server.uri("/big"), Some(&body))]).await.unwrap();
    assert_eq!(scene.file("big").unwrap(), body);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1].range(), Some(body.len() - 300_000));
    assert_eq!(requests[1].header("if-range"), Some(TAG));
    assert_eq!(requests[2].range(), Some(body.len() - 100_000));
    assert_eq!(scene.waits(), 2);
    let told = scene.told.lock().unwrap();
    assert!(told.contains(&format!("big {} of {:?}", body.len(), Some(body.len()))), "{told:?}");
}

#[tokio::test]
async fn what_is_here_is_continued_after_a_restart() {
    let scene = Scene::new();
    let body = content(2_000_000);
    let sent = body.clone();
    let server = Server::start(&scene.tasks, move |number, head| match number {
        0 => Reply::Hang(ok(TAG, &sent)[..1_900_000].to_vec()),
        _ => Reply::Send(serve(head, TAG, &sent)),
    })
    .await;
    let wanted = [artifact(&server.uri("/big"), Some(&body))];
    // The first process ends in the middle.
    let new = scene.folders.artifacts.join(".new-big");
    tokio::select! {
        result = scene.fetch(&wanted) => panic!("{result:?}"),
        () = async {
            while fs::metadata(&new).map_or(0, |new| new.len()) < 500_000 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    assert!(scene.file("big").is_none());
    scene.fetch(&wanted).await.unwrap();
    let range = server.requests()[1].range().unwrap();
    assert!((500_000..1_900_000).contains(&range), "{range}");
    assert_eq!(scene.file("big").unwrap(), body);
    assert!(!new.exists());
}

#[tokio::test]
async fn a_fetch_that_is_dropped_is_in_nobodys_way() {
    let scene = Scene::new();
    let body = content(3_000_000);
    let sent = body.clone();
    let server =
        Server::start(&scene.tasks, move |_, head| Reply::Send(serve(head, TAG, &sent))).await;
    let wanted = [artifact(&server.uri("/big"), Some(&body))];
    for pause in [1, 2, 3, 5, 8, 13] {
        let _dropped =
            tokio::time::timeout(Duration::from_millis(pause), scene.fetch(&wanted)).await;
    }
    scene.fetch(&wanted).await.unwrap();
    assert_eq!(scene.file("big").unwrap(), body);
    assert_eq!(scene.waits(), 0);
}

#[tokio::test]
async fn what_is_whole_but_not_named_is_not_asked_for() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| Reply::Send(status(500, ""))).await;
    let uri = server.uri("/a");
    scene.put(".new-a", b"all of it");
    scene.put(".from-a", format!("{uri}\n{TAG}\n").as_bytes());
    scene.fetch(&[artifact(&uri, Some(b"all of it"))]).await.unwrap();
    assert_eq!(scene.file("a").unwrap(), b"all of it");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_beginning_of_another_file_is_not_continued() {
    let scene = Scene::new();
    let server =
        Server::start(&scene.tasks, |_, head| Reply::Send(serve(head, TAG, b"mine"))).await;
    scene.put(".new-a", b"ot");
    scene.put(".from-a", b"http://elsewhere/a\n\"one\"\n");
    scene.fetch(&[artifact(&server.uri("/a"), Some(b"mine"))]).await.unwrap();
    assert_eq!(server.requests()[0].range(), None);
    assert_eq!(scene.file("a").unwrap(), b"mine");
}

#[tokio::test]
async fn a_file_that_changes_in_the_middle_is_brought_from_its_beginning() {
    let scene = Scene::new();
    let (old, body) = (content(600_000), content(500_000).split_off(1));
    let sent = body.clone();
    let server = Server::start(&scene.tasks, move |number, head| match number {
        0 => cut(ok(TAG, &old), 200_000),
        // It has another tag now, so that the condition does not hold.
        _ => Reply::Send(serve(head, "\"two\"", &sent)),
    })
    .await;
    scene.fetch(&[artifact(&server.uri("/a"), Some(&body))]).await.unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(scene.file("a").unwrap(), body);
}

#[tokio::test]
async fn another_piece_than_was_asked_for_is_not_taken() {
    let scene = Scene::new();
    let body = content(400_000);
    let sent = body.clone();
    let server = Server::start(&scene.tasks, move |number, head| match (number, head.range()) {
        (0, _) => cut(ok(TAG, &sent), 100_000),
        (1, Some(_)) => Reply::Send(partial(TAG, &sent, 17)),
        _ => Reply::Send(serve(head, TAG, &sent)),
    })
    .await;
    scene.fetch(&[artifact(&server.uri("/a"), Some(&body))]).await.unwrap();
    assert_eq!(server.requests()[2].range(), None);
    assert_eq!(scene.file("a").unwrap(), body);
}

#[tokio::test]
async fn a_range_that_the_file_does_not_have_begins_it_again() {
    let scene = Scene::new();
    let server =
        Server::start(&scene.tasks, |_, head| Reply::Send(serve(head, TAG, b"mine"))).await;
    let uri = server.uri("/a");
    scene.put(".new-a", b"longer than it is");
    scene.put(".from-a", format!("{uri}\n{TAG}\n").as_bytes());
    scene.fetch(&[artifact(&uri, Some(b"mine"))]).await.unwrap();
    assert_eq!(scene.file("a").unwrap(), b"mine");
}

#[tokio::test]
async fn what_is_damaged_on_the_disk_is_brought_again_once() {
    let scene = Scene::new();
    let body = content(1000);
    let sent = body.clone();
    let server =
        Server::start(&scene.tasks, move |_, head| Reply::Send(serve(head, TAG, &sent))).await;
    let uri = server.uri("/a");
    scene.put(".new-a", &[0; 500]);
    scene.put(".from-a", format!("{uri}\n{TAG}\n").as_bytes());
    scene.fetch(&[artifact(&uri, Some(&body))]).await.unwrap();
    assert_eq!(server.requests()[0].range(), Some(500));
    assert_eq!(server.requests()[1].range(), None);
    assert_eq!(scene.file("a").unwrap(), body);
}

#[tokio::test]
async fn a_file_that_is_not_what_the_recipe_says_is_refused() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| Reply::Send(ok(TAG, b"evil"))).await;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"good"))]).await.unwrap_err();
    assert_eq!(error.code(), "ARTIFACT_CHECKSUM_MISMATCH");
    assert_eq!(server.requests().len(), 2);
    assert!(scene.file("a").is_none());
    assert_eq!(scene.file(".new-a").unwrap(), b"");
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |number, _| {
        Reply::Send(match number {
            0 => status(503, "Retry-After: 3600\r\n"),
            1 => status(429, ""),
            _ => ok(TAG, b"now"),
        })
    })
    .await;
    scene.fetch(&[artifact(&server.uri("/a"), Some(b"now"))]).await.unwrap();
    assert_eq!((scene.waits(), scene.file("a").unwrap()), (2, b"now".to_vec()));
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| Reply::Send(status(500, ""))).await;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
    assert_eq!(error.code(), "SERVER_ERROR");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_server_that_refuses_is_asked_once() {
    for (code, expected) in
        [(403, "ACCESS_DENIED"), (404, "RESOURCE_NOT_FOUND"), (400, "HTTP_REQUEST_ERROR")]
    {
        let scene = Scene::new();
        let server = Server::start(&scene.tasks, move |_, _| Reply::Send(status(code, ""))).await;
        let uri = server.uri("/a?signature=secret");
        let error = scene.fetch(&[artifact(&uri, Some(b"x"))]).await.unwrap_err();
        assert_eq!((error.code(), server.requests().len()), (expected, 1));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed() {
    for location in ["/b/a", "a?x=http://y", "//127.0.0.1:PORT/b", "HTTP://127.0.0.1:PORT/b"] {
        let scene = Scene::new();
        let server = Server::start(&scene.tasks, move |number, head| {
            let port = head.header("host").unwrap().rsplit(':').next().unwrap();
            let location = location.replace("PORT", port);
            Reply::Send(match number {
                0 => status(307, &format!("Location: {location}\r\n")),
                _ => ok(TAG, b"moved"),
            })
        })
        .await;
        scene.fetch(&[artifact(&server.uri("/b/c"), Some(b"moved"))]).await.unwrap();
        assert_eq!(scene.file("c").unwrap(), b"moved");
        let expected = location.rsplit("PORT").next().unwrap();
        let expected = if expected.starts_with('/') { expected } else { "/b/a?x=http://y" };
        assert_eq!(server.requests()[1].line(), format!("GET {expected} HTTP/1.1"));
    }
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let scene = Scene::new();
    let server =
        Server::start(&scene.tasks, |_, _| Reply::Send(status(302, "Location: /a\r\n"))).await;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Redirects { .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_something_else_is_not_followed() {
    for location in ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://a:b@127.0.0.1/", "http://["]
    {
        let scene = Scene::new();
        let server = Server::start(&scene.tasks, move |_, _| {
            Reply::Send(status(302, &format!("Location: {location}\r\n")))
        })
        .await;
        let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
        assert_eq!(error.code(), "ARTIFACT_URI_NOT_VALID", "{location}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_says_is_not_taken() {
    let scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| cut(ok("W/\"weak\"", b"four"), 1)).await;
    let error = scene.fetch(&[artifact(&server.uri("/a"), None)]).await.unwrap_err();
    assert_eq!(error.code(), "NETWORK_ERROR", "{error}");
    // With a weak tag there is nothing to go on with; the same beginning is no progress.
    assert_eq!(server.requests().len(), 4);
    assert!(server.requests().iter().all(|request| request.range().is_none()));
    assert!(scene.file("a").is_none());
}

#[tokio::test]
async fn a_body_without_an_end_is_given_up() {
    let scene = Scene::new();
    let answer = || b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    let server = Server::start(&scene.tasks, move |_, _| Reply::Endless(answer())).await;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge { most: 0x100_0000, .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
    // What came is not left lying there.
    assert_eq!(scene.file(".new-a").unwrap(), b"");
}

#[tokio::test]
async fn a_length_beyond_the_limits_is_refused_before_it_comes() {
    let mut scene = Scene::new();
    let server = Server::start(&scene.tasks, |_, _| {
        Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n".to_vec())
    })
    .await;
    scene.settings.store_bytes = 2_000_000;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::StoreFull { most: 2_000_000, .. }), "{error}");
    scene.settings.file_bytes = 1_000_000;
    let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge { most: 1_000_000, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up() {
    let mut scene = Scene::new();
    let moment = Duration::from_millis(50);
    scene.patience = Patience { answer: moment, silence: moment, ..Patience::default() };
    scene.settings.retry.attempts = 2;
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"] {
        let server = Server::start(&scene.tasks, move |_, _| Reply::Hang(answer.to_vec())).await;
        let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"hello"))]).await.unwrap_err();
        let silent = NetworkFault::Silent { host: "127.0.0.1".to_owned() };
        assert_eq!(error.to_string(), format!("{}: {silent}", server.uri("/a")));
    }
}

#[tokio::test]
async fn what_is_not_http_is_given_up() {
    let scene = Scene::new();
    for answer in [&b"SSH-2.0-x\r\n"[..], b"", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
        let server = Server::start(&scene.tasks, move |_, _| Reply::Send(answer.to_vec())).await;
        let error = scene.fetch(&[artifact(&server.uri("/a"), Some(b"x"))]).await.unwrap_err();
        assert_eq!(error.code(), "NETWORK_ERROR", "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let scene = Scene::new();
    // Nobody listens where somebody just did.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/a");
    let error = scene.fetch(&[artifact(&uri, Some(b"x"))]).await.unwrap_err();
    assert_eq!(error.code(), "NETWORK_ERROR");
    assert!(error.to_string().contains("cannot connect to 127.0.0.1"), "{error}");
    assert_eq!(scene.waits(), 3);
}

#[tokio::test]
async fn a_certificate_is_checked() {
    let mut scene = Scene::new();
    scene.settings.retry.attempts = 1;
    let server = Server::start_tls(&scene.tasks, |_, _| Reply::Send(ok(TAG, b"safe"))).await;
    // It is for this name, and not for the address.
    let uri = format!("https://localhost:{}/a", server.port);
    scene.fetch(&[artifact(&uri, Some(b"safe"))]).await.unwrap();
    let uri = format!("https://127.0.0.1:{}/b", server.port);
    let error = scene.fetch(&[artifact(&uri, Some(b"safe"))]).await.unwrap_err();
    assert_eq!(error.code(), "TLS_HANDSHAKE_FAILURE", "{error}");
    assert!(crate::network::tls::public().is_ok());
}

#[tokio::test]
async fn a_proxy_is_asked_to_connect() {
    let mut scene = Scene::new();
    let plain = Server::start(&scene.tasks, |_, _| Reply::Send(ok(TAG, b"safe"))).await;
    let secure = Server::start_tls(&scene.tasks, |_, _| Reply::Send(ok(TAG, b"safe"))).await;
    let (http, asked_http) = proxy(&scene.tasks, plain.port, "Basic bWU6d29yZA==").await;
    let (https, asked_https) = proxy(&scene.tasks, secure.port, "Basic bWU6d29yZA==").await;
    let at = |port| format!("http://me:word@127.0.0.1:{port}").parse().ok();
    scene.proxies = ProxySettings::new(at(https), at(http), "near.test");

    scene.fetch(&[artifact("http://files.test/a", Some(b"safe"))]).await.unwrap();
    assert_eq!(asked_http.lock().unwrap()[0].line(), "CONNECT files.test:80 HTTP/1.1");
    assert_eq!(plain.requests()[0].line(), "GET /a HTTP/1.1");
    assert_eq!(plain.requests()[0].header("proxy-authorization"), None);

    scene.fetch(&[artifact("https://files.test:8443/b", Some(b"safe"))]).await.unwrap();
    assert_eq!(asked_https.lock().unwrap()[0].line(), "CONNECT files.test:8443 HTTP/1.1");
    assert_eq!(secure.requests()[0].header("host"), Some("files.test:8443"));

    // This machine is reached without.
    scene.fetch(&[artifact(&plain.uri("/c"), Some(b"safe"))]).await.unwrap();
    assert_eq!(asked_http.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let mut scene = Scene::new();
    let (port, asked) = proxy(&scene.tasks, 1, "Basic other").await;
    let at = format!("http://me:word@127.0.0.1:{port}").parse().ok();
    scene.proxies = ProxySettings::new(None, at, "");
    let error = scene.fetch(&[artifact("http://files.test/a", Some(b"x"))]).await.unwrap_err();
    let expected =
        format!("the proxy 127.0.0.1:{port} answers 407 and does not connect to files.test");
    assert_eq!(error.to_string(), format!("http://files.test/a: {expected}"));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_does_not_end_its_answer_is_given_up() {
    let mut scene = Scene::new();
    scene.settings.retry.attempts = 1;
    let server = Server::start(&scene.tasks, |_, _| Reply::Endless(vec![])).await;
    let at = format!("127.0.0.1:{}", server.port).parse().ok();
    scene.proxies = ProxySettings::new(None, at, "");
    let error = scene.fetch(&[artifact("http://files.test/a", Some(b"x"))]).await.unwrap_err();
    assert!(error.to_string().contains("its answer does not end"), "{error}");
}
