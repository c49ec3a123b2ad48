use super::door::{PATH, answer};
use super::*;
use crate::capability::testing::{granted, nobody, somebody};
use crate::clock::Clock;
use crate::cloud::credentials::Source;
use crate::cloud::{CloudClock, Identity};
use crate::error::ErrorKind;
use crate::network::ProxySettings;
use crate::tasks::Tasks;
use gg_model::IdentityFiles;
use http::Request;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// One whose cloud is not there.
fn exchange() -> TokenExchange {
    let source = Source {
        endpoint: "127.0.0.1:1".to_owned(),
        role_alias: "alias".to_owned(),
        thing: "thing".parse().unwrap(),
        identity: Identity::new(&IdentityFiles::default(), 0),
        proxies: ProxySettings::default(),
        patience: None,
    };
    let (_, settings) = tokio::sync::watch::channel(Arc::default());
    let tasks = Tasks::new(None).unwrap();
    TokenExchange::new(Credentials::new(
        source,
        settings,
        CloudClock::new(Clock::system()),
        tasks,
        CancellationToken::new(),
    ))
}

#[tokio::test]
async fn without_a_grant_there_are_no_credentials() {
    for caller in [nobody("a"), somebody("a")] {
        let error = exchange().get(&caller).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }
    let may = granted("a", Operation::GetCredentials, "*");
    let refusal = exchange().get(&may).await.unwrap().unwrap_err();
    assert_eq!((refusal.status, refusal.answered), (500, false), "{refusal:?}");
}

#[tokio::test]
async fn requests_are_judged_as_greengrass_does() {
    let exchange = exchange();
    let may = granted("a", Operation::GetCredentials, "*");
    for (method, path, caller, status) in [
        ("POST", PATH, Some(&may), 405),
        ("HEAD", "/", None, 405),
        ("GET", "/2016-11-01/credentialprovider", Some(&may), 400),
        ("GET", "/2016-11-01/credentialprovider//", Some(&may), 400),
        ("GET", PATH, None, 403),
        ("GET", PATH, Some(&nobody("b")), 403),
        ("GET", PATH, Some(&may), 500),
    ] {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let answer = answer(&exchange, caller.cloned(), &request).await;
        assert_eq!(answer.status(), status, "{method} {path}");
    }
}
